"""What a round took: sums over answers, checked against counts by hand."""

from pathlib import Path

from dataengine.rounds.answered import PictureAnswer
from dataengine.rounds.asked import AskedRound
from dataengine.rounds.ledger import rows_of, work_of


def answered(
    sha256: str, *, seconds: float | None, joints: int = 17, asked: str = "s", counts: bool = True
) -> PictureAnswer:
    return PictureAnswer(
        sha256=sha256, file=Path("f.json"), at="2026-01-01T00:00:00+00:00", annotator="anna", selection_sha256=asked,
        sent="x.sent.json", people=1, joints=joints, seconds=seconds, changed=3, counts=counts,
    )  # fmt: skip


def asked_round(number: int, selection: str, pictures: str) -> AskedRound:
    choice = {"strategy": "herding", "budget": 2, "budget_unit": "images", "student_sha256": "ab" * 32}
    picks = {sha256: {"rank": rank} for rank, sha256 in enumerate(pictures)}
    at = "2026-01-01T10:00:00+00:00"
    return AskedRound(number=number, at=at, selection_sha256=selection, choice=choice, picks=picks)


def test_minutes_and_rate_are_of_the_answers_with_a_time() -> None:
    work = work_of([
        answered("a", seconds=60), answered("b", seconds=30, joints=13), answered("c", seconds=None),
        answered("d", seconds=17 * 60 + 1),  # left open over a break
        answered("e", seconds=5, joints=0),  # nobody there
    ])  # fmt: skip
    assert (work.answered, work.joints, work.minutes, work.joints_per_minute) == (5, 64, 1.5, 20.0)
    assert work_of([answered("a", seconds=None)]).joints_per_minute is None


def test_a_picture_that_was_labelled_again_counts_once_and_its_time_twice() -> None:
    work = work_of([answered("a", seconds=60, counts=False), answered("a", seconds=60, joints=16)])
    assert (work.answered, work.joints, work.minutes, work.timed_joints) == (1, 16, 2.0, 33)


def test_the_table_has_each_round_the_strangers_and_the_totals() -> None:
    rounds = [asked_round(1, "s", "ab"), asked_round(2, "t", "bc")]
    answers = [answered("a", seconds=30, joints=10), answered("x", seconds=None, asked="")]
    rows = rows_of(rounds, answers)
    assert rows == [
        ("1", "2026-01-01 10:00:00", "herding", "2 images", "abababababab", "2", "1", "10", "0.5", "20.0"),
        ("2", "2026-01-01 10:00:00", "herding", "2 images", "abababababab", "2", "0", "0", "unknown", "unknown"),
        ("-", "", "in no known round", "", "", "-", "1", "17", "unknown", "unknown"),
        ("all", "", "", "", "", "3", "2", "27", "0.5", "20.0"),
    ]
    assert len(rows_of(rounds, answers[:1])) == 3
