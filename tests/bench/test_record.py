import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from dataengine.bench import __main__ as bench
from dataengine.bench import cli
from dataengine.bench.record import Figure, record
from dataengine.errors import ParamsError
from dataengine.files import read_json

LINE = re.compile(r"^\S+ ours=[\d.e+-]+ peer=([\d.e+-]+|-) ratio=([\d.e+-]+|-) unit=\S+$")


def test_lines_have_the_agreed_form() -> None:
    with_peer, without = Figure("oks.x_s", 2.0, "s", 8.0), Figure("repro.noop_s", 1.2345678, "s")
    assert with_peer.line() == "oks.x_s ours=2 peer=8 ratio=0.25 unit=s"
    assert without.line() == "repro.noop_s ours=1.235 peer=- ratio=- unit=s"
    assert LINE.match(with_peer.line())
    assert LINE.match(without.line())


def test_a_new_value_replaces_the_old_and_keeps_the_others(tmp_path: Path) -> None:
    path = tmp_path / "results" / "bench.json"
    record(Figure("a.x", 1.0, "s"), path)
    record(Figure("b.x", 2.0, "s"), path)
    record(Figure("a.x", 3.0, "s", 6.0), path)
    content = read_json(path)
    assert list(content) == ["a.x", "b.x"]
    assert content["a.x"]["ours"] == 3.0
    assert content["a.x"]["ratio"] == 0.5
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", content["a.x"]["date"])
    assert "cores" in content["b.x"]["machine"]


def test_unknown_benchmark_lists_the_known(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match=r"cli, oks.*repro"):
        bench.main(["nonsense"], tmp_path / "bench.json")


def test_figures_are_printed_and_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def one() -> Iterator[Figure]:
        yield Figure("cli.help_s", 0.3, "s")

    monkeypatch.setattr(cli, "run", one)
    bench.main(["cli"], tmp_path / "bench.json")
    assert capsys.readouterr().out == "cli.help_s ours=0.3 peer=- ratio=- unit=s\n"
    assert read_json(tmp_path / "bench.json")["cli.help_s"]["ours"] == 0.3
