from dataclasses import replace
from pathlib import Path

import pytest

from dataengine.errors import ParamsError
from dataengine.inference.exported import load_exported
from dataengine.train import begin_round, history

from .gate_round import PARAMS, Gate

PARAMS_TEXT = """# the whole loop
registry:
  file: {file}  # kept in git
  store: models/registry

compare:
  champion: ""  # pinned
  round: 1  # pinned
  test_uses: {{}}  # pinned
  floor_ap: 0.05
  sizes: [1, 2]  # a list
promote: {{dry_run: false}}
"""


def write_params(gate: Gate) -> Path:
    path = gate.root / "params.yaml"
    path.write_text(PARAMS_TEXT.format(file=gate.registry))
    return path


def test_history_lists_the_champion_and_the_refused(
    gate: Gate, exported: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = (load_exported(exported[name]).id for name in ("good", "bad"))
    gate.compare(exported["good"])
    gate.promote(exported["good"])
    gate.compare(exported["bad"], replace(PARAMS, champion=good))
    gate.promote(exported["bad"])
    capsys.readouterr()
    history.command(params=write_params(gate))
    lines = capsys.readouterr().out.splitlines()
    champion = next(line for line in lines if "promoted" in line)
    refused = next(line for line in lines if "refused" in line)
    assert "*" in champion
    assert good in champion
    assert "*" not in refused
    assert bad in refused
    assert "worse than the champion" in refused


def test_empty_history_says_so(gate: Gate, capsys: pytest.CaptureFixture[str]) -> None:
    history.command(params=write_params(gate))
    assert "No model has come to promotion yet" in capsys.readouterr().out


def test_begin_round_changes_one_line_and_keeps_comments(
    gate: Gate, exported: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    params = write_params(gate)
    before = params.read_text()
    begin_round.command(params=params)
    assert "nothing to change" in capsys.readouterr().err
    assert params.read_text() == before

    gate.compare(exported["good"])
    gate.promote(exported["good"])
    champion = load_exported(exported["good"]).id
    capsys.readouterr()
    begin_round.command(params=params)
    assert f"(none) -> {champion}" in capsys.readouterr().err
    test_set = gate.read().events[0].test_sha256[:12]
    expected = before.replace('champion: ""  # pinned', f'champion: "{champion}"  # pinned')
    expected = expected.replace("round: 1", "round: 2").replace("{}", f'{{"{test_set}": 1}}')
    assert params.read_text() == expected


def test_an_id_of_digits_stays_text(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("compare:\n  champion: ''\n")
    begin_round.pin(path, {"champion": "123456789012"})
    assert path.read_text() == 'compare:\n  champion: "123456789012"\n'
    assert begin_round.pin(path, {"champion": ""}) == {"champion": "123456789012"}


@pytest.mark.parametrize("text", ["", "compare:\n", "compare: {floor_ap: 1}\n", "compare:\n  champion: {a: b}\n"])
def test_params_without_the_key_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(ParamsError, match=r"compare\.champion"):
        begin_round.pin(path, {"champion": "a"})


@pytest.mark.parametrize("value", ["", "\n    ab: 1", "[1]", "3"])
def test_uses_that_cannot_be_replaced_in_place_are_refused(tmp_path: Path, value: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(f"compare:\n  test_uses: {value}\n")
    with pytest.raises(ParamsError, match="test_uses"):
        begin_round.pin(path, {"test_uses": {}})
