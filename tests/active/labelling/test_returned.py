"""What comes back and is not used, or once only: counted, listed, and kept in the label file."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dataengine.active.labelling.returned import Returned
from dataengine.active.labelling.sent import is_called_by_content, pictures_path, write_sent
from dataengine.errors import InputError
from dataengine.files import sha256_file
from dataengine.formats.tools.label_studio_writing import write_label_studio

from ...helpers.made_pictures import photo
from .conftest import NAMES, OUT, SIZE, TOOL, Round, bring_back, kept, save


def told(path: Path) -> dict[str, object]:
    """What the label file says of it."""
    returned = json.loads(path.read_text())["info"]["returned"]
    assert isinstance(returned, dict)
    return returned


def test_pictures_encoded_again_or_edited_are_named(sent_round: Round) -> None:
    document = sent_round.tool_file()
    Image.open(NAMES[0]).save("copy.jpg", quality=80)
    edited = Image.open(NAMES[1]).convert("RGB")
    edited.paste((0, 0, 0), (2, 2, 12, 12))
    edited.save("edited.png")
    photo(*SIZE, seed=99).save("stranger.png")
    for row, name in enumerate(("copy.jpg", "edited.png", "stranger.png")):
        document["images"][row]["file_name"] = f"../{name}"
    save(document)
    done = bring_back()
    assert done.people == 1
    assert done.returned.altered == [
        f"copy.jpg (like {sent_round.names[0]})",
        f"edited.png (like {sent_round.names[1]})",
    ]
    assert done.returned.not_sent == ["stranger.png"] and done.returned.people_of_others == 3
    assert told(done.path)["not_sent"] == ["stranger.png"]
    assert any("encoded again, or edited" in line and "copy.jpg" in line for line in done.returned.lines())


def test_labels_of_an_earlier_round_are_known(sent_round: Round) -> None:
    photo(*SIZE, seed=50).save("last_week.png")
    document = sent_round.tool_file()
    document["images"][3]["file_name"] = "../last_week.png"
    save(document)
    with_other = sent_round.sent.images.take([0]).replace(path=["last_week.png"])
    sha256 = sent_round.sent.sha256[:1].copy()
    sha256[0] = sha256_file(Path("last_week.png"))
    none = sent_round.sent.prelabels.take([])
    write_sent(Path("week1.sent.json"), replace(sent_round.sent, images=with_other, sha256=sha256, prelabels=none), "")
    done = bring_back()
    assert done.people == 3 and done.returned.earlier == ["last_week.png (week1.sent.json)"]
    assert "import them with it (--sent)" in done.returned.lines()[0]


def test_a_partial_return_leaves_the_rest_open(sent_round: Round) -> None:
    document = sent_round.tool_file()
    document["images"], document["annotations"] = document["images"][:2], document["annotations"][:1]
    document["images"][1]["file_name"] = "../gone.png"
    save(document)
    done = bring_back()
    assert (done.people, done.unanswered) == (1, 3)
    assert done.returned.not_found == ["../gone.png"]


def test_a_person_labelled_twice_counts_once(sent_round: Round) -> None:
    document = sent_round.tool_file()
    document["annotations"].append({**document["annotations"][0], "id": 9})
    document["images"].append({**document["images"][1], "id": 7})
    document["annotations"].append({**document["annotations"][1], "id": 10, "image_id": 7})
    save(document)
    done = bring_back()
    assert done.people == 4
    assert done.returned.same_person == [f"{name} (unnamed)" for name in sent_round.names[:2]]
    assert done.returned.listed_twice == ["clip_20.png"]


def test_one_name_for_two_pictures_is_noticed_by_the_people(sent_round: Round) -> None:
    """A tool that keeps base names alone: nobody can know which of the two the picture in the folder is."""
    document = sent_round.tool_file()
    for image in document["images"]:
        image["file_name"] = Path(image["file_name"]).name
    Path("flat").mkdir()
    for name in NAMES:
        shutil.copy(name, "flat")
    save(document)
    with pytest.raises(InputError, match=r"2 entries of flat/clip_10\.png, which show different people"):
        bring_back(images=Path("flat"))


def test_of_two_annotators_the_first_counts_and_both_are_measured(sent_round: Round) -> None:
    document = sent_round.tool_file()
    first = document["annotations"][0]
    first["annotator"] = "anna"
    moved = [value + 1.5 * (place % 3 == 0) for place, value in enumerate(first["keypoints"])]
    document["annotations"].append({**first, "id": 8, "annotator": "ben", "keypoints": moved})
    apart = [value + 60 * (place % 3 == 0) for place, value in enumerate(first["keypoints"])]
    document["annotations"].append({**first, "id": 9, "annotator": "ben", "keypoints": apart})
    save(document)
    done = bring_back()
    assert done.returned.two_annotators == [f"{sent_round.names[0]} (ben)"]
    people = kept(done).people
    here = people.extras["sha256"] == sent_round.sent.sha256[0]
    assert sorted(people.extras["annotator"][here].tolist()) == ["anna", "ben"], "ben's other person is kept"
    assert done.annotators["ben"]["moved"] == 17, "his work is measured, whether or not it is kept"
    assert told(done.path)["two_annotators"] == [f"{sent_round.names[0]} (ben)"]


def test_a_wrong_record_stops_the_import(sent_round: Round) -> None:
    document = sent_round.tool_file()
    document["images"][0]["width"] = 80
    save(document)
    with pytest.raises(InputError, match=r"1 labelled images cannot be used: got .*stated 80x120, is 160x120"):
        bring_back()


def test_nothing_to_tell_is_no_line() -> None:
    assert Returned().lines() == [] and Returned().as_json() == {}
    many = Returned(not_sent=[f"{number}.png" for number in range(7)]).lines()
    assert many == ["7 images were not sent out; not used: 0.png, 1.png, 2.png, 3.png, 4.png and 2 more"]


def task(sent_round: Round, image: int, *answers: tuple[str, str, float]) -> dict[str, Any]:
    """A task of Label Studio, with an annotation for each annotator, time and shift in pixels."""
    people = sent_round.sent.prelabels.take([image])
    picture = sent_round.sent.images.take([image])
    annotations = []
    for annotator, at, shift_px in answers:
        moved = people.replace(keypoints_px=people.keypoints_px + np.array([shift_px, 0], dtype=np.float32))
        write_label_studio(Path("task.json"), moved, picture, pictures_path(OUT))
        ((written,),) = (each["annotations"] for each in json.loads(Path("task.json").read_text()))
        annotations.append({"result": written["result"], "completed_by": {"email": annotator}, "updated_at": at})
    return {
        "id": image,
        "data": {"image": f"/data/upload/1/0a1b2c3d-{sent_round.names[image]}"},
        "annotations": annotations,
    }


@pytest.mark.parametrize(
    "times", [("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"), ("2026-02-01T00:00:00Z", "2026-01-01T00:00:00Z")]
)
def test_who_labels_a_picture_again_counts_once_by_the_last_time(sent_round: Round, times: tuple[str, str]) -> None:
    first, second = times
    TOOL.parent.mkdir(exist_ok=True)
    TOOL.write_text(json.dumps([task(sent_round, 0, ("anna", first, 1.0), ("anna", second, 3.0))]))
    done = bring_back()
    assert done.people == 1
    assert done.returned.relabelled == [f"{sent_round.names[0]} (anna)"] and not done.returned.same_person
    moved = kept(done).people.keypoints_px[0, 0, 0] - sent_round.sent.prelabels.keypoints_px[0, 0, 0]
    assert moved == pytest.approx(3.0 if second > first else 1.0, abs=0.01)


def test_a_task_that_is_there_twice_is_one_picture(sent_round: Round) -> None:
    """Its name is the copy's own, which says the content: it cannot be another picture of that name."""
    one = task(sent_round, 1, ("anna", "2026-01-01T00:00:00Z", 2.0))
    TOOL.parent.mkdir(exist_ok=True)
    TOOL.write_text(json.dumps([one, {**one, "id": 9}]))
    done = bring_back()
    assert done.people == 1 and done.returned.listed_twice == [sent_round.names[1]]
    assert done.returned.same_person == [f"{sent_round.names[1]} (anna)"] and not done.returned.relabelled
    copy = pictures_path(OUT) / sent_round.names[1]
    assert is_called_by_content(copy)
    copy.write_bytes(b"another picture")
    assert not is_called_by_content(copy)
