"""What accepting, fixing and rejecting does to an answer, on plain values; and that an answer survives the disk."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from dataengine.active.curation.plugin.answer_file import record_path, write_answer_file
from dataengine.active.curation.plugin.joints import (
    ACCEPTED,
    FIXED,
    OPEN,
    REJECTED,
    JointAnswers,
    PersonAnswer,
    accept,
    fix,
    joint_numbers,
    reject,
    see,
)
from dataengine.active.curation.plugin.journal import read_answer, read_answers, write_answer
from dataengine.active.curation.plugin.picture import figure
from dataengine.errors import InputError

SIZE = (100, 80)
NOSE, LEFT_HIP = 0, 11


def person(hidden: int = LEFT_HIP, missing: int = 16) -> PersonAnswer:
    points = np.stack([np.arange(17.0) * 5, np.arange(17.0) * 4], axis=1)
    flags = np.full(17, 2, dtype=np.uint8)
    flags[hidden], flags[missing] = 1, 0
    return PersonAnswer.guessed(points, flags, SIZE)


def test_a_guess_is_open_and_what_lies_outside_of_the_picture_is_not_placed() -> None:
    points = np.zeros((17, 2))
    points[3], points[4] = (99.6, 10), (99.4, 10)
    guess = PersonAnswer.guessed(points, np.full(17, 2, dtype=np.uint8), SIZE)
    assert guess.visibility.tolist() == [2, 2, 2, 0] + [2] * 13
    assert np.isnan(guess.points_px[3]).all() and guess.open == 16


def test_decisions_change_the_joints_that_are_meant_and_no_others() -> None:
    before = person()
    fixed = fix(before, NOSE, (7.5, 3.25), SIZE)
    assert fixed.points_px[NOSE].tolist() == [7.5, 3.25] and fixed.decision[NOSE] == FIXED
    assert np.array_equal(fixed.points_px[1:16], before.points_px[1:16]) and fixed.decision[1:] == (OPEN,) * 16
    assert before.decision == (OPEN,) * 17, "an answer is a value"
    placed = fix(before, 16, (50, 50), SIZE)
    assert placed.visibility[16] == 2
    gone = reject(before, [NOSE, 1])
    assert gone.visibility[:3].tolist() == [0, 0, 2] and gone.decision[:3] == (REJECTED, REJECTED, OPEN)
    accepted = accept(before, range(17))
    assert accepted.decision == (ACCEPTED,) * 16 + (OPEN,) and accepted.open == 0, "what is not placed is not accepted"
    taken = accept(before, [NOSE], guess=fixed)
    assert taken.points_px[NOSE].tolist() == [7.5, 3.25] and taken.decision[NOSE] == ACCEPTED
    seen = see(fixed, [NOSE, LEFT_HIP], 1)
    assert seen.visibility[[NOSE, LEFT_HIP]].tolist() == [1, 1]
    assert (seen.decision[NOSE], seen.decision[LEFT_HIP]) == (FIXED, ACCEPTED)


def test_somebody_of_whom_little_is_placed_is_looked_for_in_the_whole_picture(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    assert cv2.imwrite(str(path), np.zeros((SIZE[1], SIZE[0], 3), dtype=np.uint8))

    def shown(joints: int) -> tuple[float, float]:
        added = PersonAnswer.absent()
        for joint in range(joints):
            added = fix(added, joint, (40 + joint, 30 + joint), SIZE)
        (image,) = figure(path, added, NOSE)[1]["images"]
        return image["sizex"], image["sizey"]

    assert shown(0) == shown(5) == SIZE
    assert shown(6)[0] < SIZE[0]


def test_what_cannot_be_is_one_line() -> None:
    with pytest.raises(InputError, match=r"nose lies outside of the picture of 100 x 80 px: got \(100, 3\)"):
        fix(person(), NOSE, (100, 3), SIZE)
    with pytest.raises(InputError, match="nose lies outside"):
        fix(person(), NOSE, (float("nan"), 3), SIZE)
    with pytest.raises(InputError, match="unknown joint 'tail'"):
        joint_numbers(["nose", "tail"])
    with pytest.raises(InputError, match=r"1 \(hidden\) or 2 \(visible\), got 0"):
        see(person(), [NOSE], 0)
    with pytest.raises(InputError, match="none of these joints is placed"):
        see(person(), [16], 1)
    with pytest.raises(InputError, match="no person 1: expected 0 to 0"):
        JointAnswers(sha256="a" * 64, people=(person(),)).person(1)
    assert joint_numbers([]) == list(range(17)) and joint_numbers(["left_eye", "nose"]) == [0, 1]


def test_an_answer_survives_the_disk_and_a_change_makes_it_unfinished(tmp_path: Path) -> None:
    answer = JointAnswers(
        sha256="b" * 64, people=(reject(person(), [2]), person()), finished_by="anna", finished_at="2026-01-01T00:00:00"
    )
    write_answer(tmp_path, answer)
    back = read_answer(tmp_path, answer.sha256)
    assert back is not None and (back.finished_by, back.finished_at) == ("anna", "2026-01-01T00:00:00")
    for one, other in zip(back.people, answer.people, strict=True):
        assert np.array_equal(one.points_px, other.points_px, equal_nan=True)
        assert np.array_equal(one.visibility, other.visibility) and one.decision == other.decision
    assert list(read_answers(tmp_path)) == [answer.sha256] and read_answer(tmp_path, "c" * 64) is None
    assert back.with_person(0, person()).finished_by == ""


def test_a_damaged_answer_and_an_empty_folder_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no picture is finished yet"):
        write_answer_file(tmp_path)
    path = write_answer(tmp_path, JointAnswers(sha256="d" * 64, people=(person(),), finished_by="anna"))
    with pytest.raises(InputError, match=f"{record_path(tmp_path).name} does not exist"):
        write_answer_file(tmp_path)
    path.write_text(path.read_text().replace('"decision"', '"decisions"'))
    with pytest.raises(InputError, match="is not an answer about a picture"):
        read_answers(tmp_path)
