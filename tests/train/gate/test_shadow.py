"""What a shadow showed is in the verdict and on the page, and decides nothing."""

from pathlib import Path

import pytest

from dataengine.errors import InputError
from dataengine.serving.shadow.figures import AgreementBook
from dataengine.train import compare
from dataengine.train.gate.comparison import Comparison, read_verdict
from dataengine.train.gate.shadow import shadow_evidence

from ..gate_round import Gate


def shadow_folder(folder: Path, champion: str, candidate: str) -> Path:
    """Ten people, of whom the two agreed on seven; the nose counted in four, and agreed in one."""
    book = AgreementBook(folder, champion, candidate, 0.75)
    for person in range(10):
        book.compared(person < 7, {"nose": person == 0, "left_hip": True} if person < 4 else {"left_hip": True})
        book.count("agreed" if person < 7 else "kept")
    book.count("dropped", 5)
    book.write(book.record())
    return folder


def test_the_report_shows_how_often_the_two_agreed(
    gates: dict[str, Gate],
    exported: dict[str, Path],
    round_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(round_folder)
    before = gates["rejected"].verdict()
    gate = gates["rejected"].copy(tmp_path / "gate")
    folder = shadow_folder(tmp_path / "shadow", before["champion"], before["candidate"])
    compare.run(
        gate.policy(),
        candidate=next(path for path in exported.values() if compare.load_exported(path).id == before["candidate"]),
        test=gate.test,
        registry=gate.registry,
        store=gate.store,
        out=gate.root / "compare",
        shadow=folder,
    )
    verdict = read_verdict(gate.root / "compare" / "verdict.json")
    assert verdict.shadow is not None and verdict.verdict == before["verdict"]
    people, nose, hip = verdict.shadow.rows
    assert [(row.name, row.agreed, row.compared) for row in (people, nose, hip)] == [
        ("people", 7, 10),
        ("nose", 1, 4),
        ("left_hip", 10, 10),
    ]
    assert people.rate.low < 0.7 < people.rate.high and hip.rate.value == 1 and hip.rate.low < 0.8
    assert Comparison.from_json(verdict.as_json()) == verdict
    page = (gate.root / "compare" / "report.html").read_text()
    assert "In the champion's shadow" in page and "7 agreed, 5 dropped, 3 kept" in page
    assert "In the champion's shadow" not in (gates["rejected"].root / "compare" / "report.html").read_text()


def test_figures_of_other_models_are_not_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = shadow_folder(tmp_path, "one", "two")
    assert shadow_evidence(None, "one", "two", 0.95) is None
    assert shadow_evidence(folder, "two", "one", 0.95) is None
    assert "no answers of candidate one next to champion two" in capsys.readouterr().err
    with pytest.raises(InputError, match=r"figures.json does not exist"):
        shadow_evidence(tmp_path / "nowhere", "one", "two", 0.95)
