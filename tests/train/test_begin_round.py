from dataclasses import replace
from pathlib import Path

import pytest

from dataengine.errors import ParamsError
from dataengine.inference.exported import load_exported
from dataengine.params import load_section
from dataengine.train import begin_round
from dataengine.train.gate.policy import CompareParams

from .gate_round import PARAMS, Gate


def test_begin_round_changes_four_values_and_keeps_comments(
    gate: Gate, exported: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    params = gate.write_params()
    before = params.read_text()
    begin_round.command(params=params)
    policy = PARAMS.hash_with("COCO")
    assert params.read_text() == before.replace('policy: ""', f'policy: "{policy}"')
    assert f"compare.policy: (none) -> {policy}" in capsys.readouterr().err
    begin_round.command(params=params)
    assert "nothing to change" in capsys.readouterr().err

    gate.compare(exported["good"])
    gate.promote(exported["good"])
    champion, head = load_exported(exported["good"]).id, gate.read().ledger.head
    begin_round.command(params=params)
    assert f"compare.champion: (none) -> {champion}" in capsys.readouterr().err
    expected = before.replace('policy: ""', f'policy: "{policy}"').replace('champion: ""', f'champion: "{champion}"')
    assert params.read_text() == expected.replace("round: 1", "round: 2").replace('ledger: ""', f'ledger: "{head}"')


def test_the_policy_is_everything_but_pins_and_threads() -> None:
    same = replace(PARAMS, champion="a", round=7, policy="b", ledger="c", threads=8)
    assert same.hash_with("COCO") == PARAMS.hash_with("COCO")
    changes = {"cluster": "video", "resamples": 300, "alpha": 0.04, "runner": "auto", "columns": ["night"], "uses": 9}
    hashes = {replace(PARAMS, **{key: value}).hash_with("COCO") for key, value in changes.items()}  # type: ignore[arg-type]
    hashes.add(PARAMS.hash_with("sigmas-0123456789ab"))
    hashes.add(replace(PARAMS, primary=replace(PARAMS.primary, margin=0.01)).hash_with("COCO"))
    assert len(hashes - {PARAMS.hash_with("COCO")}) == len(changes) + 2


def test_the_bootstrap_takes_no_seed(gate: Gate) -> None:
    params = gate.write_params()
    params.write_text(params.read_text().replace("  threads: 1", "  seed: 0\n  threads: 1"))
    with pytest.raises(ParamsError, match=r"unknown key.*got seed"):
        load_section(params, "compare", CompareParams)


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
