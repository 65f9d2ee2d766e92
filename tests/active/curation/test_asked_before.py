"""What the ledger and the label store say of pictures."""

from pathlib import Path

from dataengine.active.curation import asked_before as module
from dataengine.active.curation.asked_before import asked_before
from dataengine.active.curation.run_tables import AskedBefore
from dataengine.rounds.answered import PictureAnswer
from dataengine.rounds.asked import enter_round

ONE, TWO = "1" * 64, "2" * 64
A, B, C, D = (letter * 64 for letter in "abcd")


def answer(sha256: str, annotator: str, selection: str, counts: bool = True) -> PictureAnswer:
    return PictureAnswer(
        sha256=sha256, file=Path("x.json"), at="2026-01-01T00:00:00+00:00", annotator=annotator,
        selection_sha256=selection, sent="", people=1, joints=17, seconds=None, changed=None, counts=counts,
    )  # fmt: skip


def test_the_round_that_asked_last_and_the_one_that_was_answered(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    enter_round(tmp_path, selection_sha256=ONE, choice={}, picks={A: {}, B: {}})
    enter_round(tmp_path, selection_sha256=TWO, choice={}, picks={B: {}, C: {}})
    given = [
        answer(A, "ben", ONE), answer(A, "anna", ONE), answer(B, "anna", ONE, counts=False), answer(B, "ben", TWO),
        answer(D, "carl", ""),
    ]  # fmt: skip
    monkeypatch.setattr(module, "read_answers", lambda folder: given)
    assert asked_before(tmp_path, Path("labels")) == {
        A: AskedBefore(asked_round=1, answered_round=1, answered_by="anna, ben"),
        B: AskedBefore(asked_round=2, answered_round=2, answered_by="ben"),
        C: AskedBefore(asked_round=2),
        D: AskedBefore(answered_by="carl"),
    }


def test_without_a_ledger_and_a_store_nothing_is_known(tmp_path: Path) -> None:
    assert asked_before(tmp_path / "rounds", tmp_path / "labels") == {}
