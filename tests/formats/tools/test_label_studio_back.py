"""What goes out to Label Studio comes back, however the tool writes it down; and anything else is read or refused."""

import copy
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataengine.errors import InputError
from dataengine.formats.reading.content import Limits
from dataengine.formats.tools.label_studio import read_label_studio
from dataengine.formats.tools.label_studio_writing import write_label_studio, write_predictions
from dataengine.people import People

from ..test_hostile_anything import ANYTHING
from ..writing_samples import HEIGHT, WIDTH, crowds, image_table

Regions = list[dict[str, Any]]


def related(regions: Regions, data: st.DataObject) -> Regions:
    """Relations, in either direction, instead of parents."""
    relations = []
    for each in regions:
        if "parentID" in each:
            ends = data.draw(st.permutations([each["id"], each.pop("parentID")]))
            relations.append({"type": "relation", "direction": "right", "from_id": ends[0], "to_id": ends[1]})
    return regions + relations


def noted(regions: Regions, data: st.DataObject) -> Regions:
    """Flags as meta texts instead of choices."""
    texts = {each["id"]: each["value"]["choices"] for each in regions if each["type"] == "choices"}
    kept = [each for each in regions if each["type"] != "choices"]
    return [each | ({"meta": {"text": texts[each["id"]]}} if each.get("id") in texts else {}) for each in kept]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), people=crowds())
def test_people_come_back_from_every_way_in_which_the_tool_writes_them(data: st.DataObject, people: People) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder, path = Path(temporary) / "source", Path(temporary) / "a.json"
        write_label_studio(path, people, image_table(folder, 3), folder)
        tasks = json.loads(path.read_text())
        for answer in (answer for task in tasks for answer in task["annotations"]):
            for change in data.draw(st.lists(st.sampled_from([related, noted]), unique=True)):
                answer["result"] = change(answer["result"], data)
            answer["result"] = data.draw(st.permutations(answer["result"]))
        path.write_text(json.dumps(tasks))
        content = read_label_studio(path, folder, Limits())
    assert not content.bad
    assert not content.notes.total
    ids = [int(name.removeprefix("person-")) - 1 for name in content.people.extras["source_id"].tolist()]
    back = content.people.take(np.argsort(ids))
    assert sorted(ids) == list(range(len(people)))
    np.testing.assert_array_equal(back.image_id, people.image_id)
    np.testing.assert_array_equal(back.visibility, people.visibility)
    np.testing.assert_allclose(back.keypoints_px, people.keypoints_px, atol=1e-3)
    np.testing.assert_allclose(back.bbox_xywh_px, people.bbox_xywh_px, atol=1e-3)


def document(folder: Path) -> list[Any]:
    """One task of two people, one of them with a relation."""
    flags = np.zeros((2, 17))
    flags[:, :3] = [0, 1, 2]
    boxes = [[1, 1, 30, 40], [40, 2, 30, 40]]
    people = People.build(image_id=[1, 1], bbox_xywh_px=boxes, keypoints_px=np.full((2, 17, 2), 9), visibility=flags)
    write_label_studio(folder / "a.json", people, image_table(folder / "source", 1), folder / "source")
    tasks: list[Any] = json.loads((folder / "a.json").read_text())
    result = tasks[0]["annotations"][0]["result"]
    result.append({"type": "relation", "from_id": result[1].pop("parentID"), "to_id": result[1]["id"]})
    return tasks


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Any]]:
    folder = tmp_path_factory.mktemp("sound")
    return folder, document(folder)


@settings(max_examples=150)
@given(data=st.data())
def test_whatever_stands_in_a_task_it_is_read_or_refused(sound: tuple[Path, list[Any]], data: st.DataObject) -> None:
    folder, tasks = sound[0], copy.deepcopy(sound[1])
    for _ in range(data.draw(st.integers(1, 3))):
        here: Any = tasks
        for _ in range(data.draw(st.integers(1, 7))):
            if not isinstance(here, dict | list) or not here:
                break
            key = data.draw(st.sampled_from(sorted(here) if isinstance(here, dict) else range(len(here))))
            parent, here = here, here[key]
        parent[key] = data.draw(ANYTHING)
    (folder / "b.json").write_text(json.dumps(tasks))
    try:
        content = read_label_studio(folder / "b.json", folder / "source", Limits())
    except InputError as error:
        assert "\n" not in str(error)
        return
    assert content.records >= len(content.people) + len(content.bad) + content.notes.total
    assert all("\n" not in record.reason and len(record.reason) < 300 for record in content.bad)


def test_what_the_tool_refuses_is_left_out_and_names_survive_a_url(tmp_path: Path) -> None:
    images = image_table(tmp_path / "hall 1%20", 1)
    boxes = [[-9, -9, 200, 200], [-5, 5, 10, 10]]
    points = np.full((2, 17, 2), 9.0)
    points[0, :2] = [[-1, 5], [WIDTH, 5]]
    people = People.build(
        image_id=[1, 1],
        bbox_xywh_px=boxes,
        keypoints_px=points,
        visibility=np.full((2, 17), 2),
    )
    lost = write_predictions(tmp_path / "a.json", people, images, tmp_path / "hall 1%20").lost
    assert lost == {"boxes larger than the image": 1, "joints outside the image": 2}
    (task,) = json.loads((tmp_path / "a.json").read_text())
    assert task["data"]["image"] == "/data/local-files/?d=hall%201%2520/part/clip_000000.png"
    task["annotations"] = task.pop("predictions")
    (tmp_path / "a.json").write_text(json.dumps([task]))
    back = read_label_studio(tmp_path / "a.json", tmp_path, Limits()).people
    np.testing.assert_allclose(back.bbox_xywh_px, [[0, 0, WIDTH, HEIGHT], [-5, 5, 10, 10]], atol=1e-4)
    assert (back.visibility > 0).sum(axis=1).tolist() == [15, 17]
