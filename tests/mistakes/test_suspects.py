"""mistakes.json: read as written, the likeliest first; suspects whose labels were changed are left out."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dataengine.errors import InputError
from dataengine.mistakes.suspects import Suspect, current, joints_judged, read_suspects, write_suspects
from dataengine.people import Images, People


def three() -> tuple[People, Images]:
    rng = np.random.default_rng(0)
    people = People.build(
        image_id=[1, 1, 2],
        bbox_xywh_px=np.tile([0, 0, 50, 50], (3, 1)),
        keypoints_px=rng.uniform(0, 50, (3, 17, 2)),
        visibility=np.full((3, 17), 2),
    )
    images = Images.build(id=[1, 2], path=["set/a/x.jpg", "set/b/x.jpg"], width=50, height=50)
    return people, images


def suspect(people: People, row: int, file: str, probability: float, kind: str = "arms") -> Suspect:
    return Suspect(
        kind=kind,
        probability=probability,
        file=file,
        id=str(row),
        joints=["left_elbow"],
        evidence={"MoveNet": 3.0, "networks": -1.0},
        bbox_xywh_px=[0.0, 0.0, 50.0, 50.0],
        suggested={"left_elbow": [1.0, 2.0]},
        judged=joints_judged(people, row),
    )


def test_the_likeliest_come_first_and_come_back_as_written(tmp_path: Path) -> None:
    people, _ = three()
    likely, unlikely = suspect(people, 0, "a/x.jpg", 0.9), suspect(people, 1, "a/x.jpg", 0.2)
    write_suspects(tmp_path / "mistakes.json", [unlikely, likely], {"people": 3})
    assert read_suspects(tmp_path / "mistakes.json") == [likely, unlikely]
    assert likely.reason == "left and right arm are exchanged (left elbow), probability 0.90; by MoveNet"


def test_people_are_found_by_picture_and_joints_and_changed_labels_are_left_out() -> None:
    people, images = three()
    listed = [suspect(people, row, file, 0.5) for row, file in ((1, "a/x.jpg"), (2, "b/x.jpg"), (0, "a/x.jpg"))]
    assert [row for _, row in current(listed, people, images)] == [1, 2, 0]
    renumbered = people.take([2, 1, 0])
    assert [row for _, row in current(listed, renumbered, images)] == [1, 0, 2]
    points = people.keypoints_px.copy()
    points[1, 7] += 3
    assert [row for _, row in current(listed, people.replace(keypoints_px=points), images)] == [2, 0]
    flags = people.visibility.copy()
    flags[2, 0] = 1
    assert [row for _, row in current(listed, people.replace(visibility=flags), images)] == [1, 0]
    assert not current([replace(listed[0], file="b/x.jpg")], people, images), "another picture of the same name"


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"kind": "odd"}, "unknown kind or joints"),
        ({"joints": ["tail"]}, "unknown kind or joints"),
        ({"probability": "high"}, "probability"),
        ({"more": 1}, "unknown key"),
    ],
)
def test_files_of_another_form_are_refused(tmp_path: Path, change: dict[str, object], match: str) -> None:
    people, _ = three()
    path = tmp_path / "mistakes.json"
    write_suspects(path, [suspect(people, 0, "a/x.jpg", 0.9)], {})
    document = json.loads(path.read_text())
    document["suspects"][0] |= change
    path.write_text(json.dumps(document))
    with pytest.raises(InputError, match=match):
        read_suspects(path)
    path.write_text("[]")
    with pytest.raises(InputError, match="holds no suspects"):
        read_suspects(path)
