"""What an arm's rounds asked for is answered by the labels of the next round, and counted as in a project."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from dataengine.active.asking.brought import brought_by
from dataengine.active.studies.campaign.answers import carry_answers
from dataengine.active.studies.campaign.places import RoundFolder
from dataengine.active.studies.sets import LabelledImages
from dataengine.files import sha256_file, short_sha256
from dataengine.people import Images, People
from dataengine.requests.record import AskedFor, PoseRequest
from dataengine.rounds.answered import of_round, read_answers
from dataengine.rounds.asked import enter_round, read_rounds

NO_IMAGES = Images.build(id=[], path=[], width=[], height=[])


def pictures(folder: Path) -> LabelledImages:
    """Four pictures with a person each; the last is a copy of the first."""
    paths = [folder / f"{number}.png" for number in range(4)]
    for number, path in enumerate(paths):
        cv2.imwrite(str(path), np.full((8, 8, 3), 40 * (number % 3), np.uint8))
    sha256 = np.array([sha256_file(path) for path in paths])
    images = Images.build(id=[5, 6, 7, 8], path=[str(path) for path in paths], width=[8] * 4, height=[8] * 4)
    people = People.build(
        image_id=[5, 6, 7, 8],
        bbox_xywh_px=np.tile(np.array([0, 0, 8, 8], np.float32), (4, 1)),
        keypoints_px=np.full((4, 17, 2), 4, np.float32),
        visibility=np.full((4, 17), 2, np.uint8),
        source="real",
        extras={"sha256": sha256},
    )
    return LabelledImages(people, images, np.array([short_sha256(each) for each in sha256]))


def test_the_next_round_answers_what_was_asked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    labelled, first, second = pictures(tmp_path), RoundFolder(Path("a")), RoundFolder(Path("b"))
    sha256 = labelled.people.extras["sha256"]
    asked = AskedFor(round=1, asked_by="gate", reason="r", part="size=small", clusters_id="", renders=0, labels=2)
    request = PoseRequest(asked=asked, people=People.empty(), images=NO_IMAGES)
    picks = {str(sha256[0]): {"request": request.id}, str(sha256[2]): {"request": request.id}, "f" * 64: {}}
    entered = enter_round(first.of("asked"), selection_sha256="a" * 64, choice={}, picks=picks)
    before = brought_by(request, None, {}, read_rounds(first.of("asked")), read_answers(first.of("labels")))
    assert (before["pictures"], before["answered"]) == (2, 0)
    for _ in range(2):  # a round that was stopped begins again
        carry_answers(first, second, labelled)
    answers = read_answers(second.of("labels"))
    assert [answer.sha256 for answer in of_round(answers, entered)] == [sha256[0], sha256[2]]
    assert [(answer.people, answer.joints) for answer in answers] == [(1, 17), (1, 17)]
    words = brought_by(request, None, {}, read_rounds(second.of("asked")), answers)["words"]
    assert "2 of 2 pictures labelled" in words
    third = RoundFolder(Path("c"))
    carry_answers(second, third, labelled)
    assert [answer.sha256 for answer in read_answers(third.of("labels"))] == [sha256[0], sha256[2]]
