"""Labels of people, imported into the mix."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dataengine.coco_json import read_people
from dataengine.errors import InputError
from dataengine.labels.joint_weights import joint_weights, with_joint_weights
from dataengine.labels.label_file import read_label_file
from dataengine.people import People

from ...helpers.label_files import labelled
from ...helpers.pose_samples import crowd, write_crowd
from .conftest import OUT, PARAMS, REAL, mix


def test_imported_labels_join_the_real_people_in_their_frozen_clusters(real: People) -> None:
    more = crowd((0, 2, 3), seed=9)
    mix(replace(PARAMS, labels=[imported(more)]))
    people, images = read_people(OUT / "train.json", root=Path.cwd())
    assert len(people) == 75 and len(images) == 75
    assert (people.source == np.repeat(["real", "synthetic"], [67, 8])).all()
    figures = more.extras["figure"]
    assert people.extras["cluster"][62:67].tolist() == figures.tolist()
    of_figure = dict(zip(real.extras["figure"], people.extras["repeat_factor"][:62], strict=True))
    assert people.extras["repeat_factor"][62:67] == pytest.approx([of_figure[figure] for figure in figures])
    with pytest.raises(InputError, match=r"nowhere\.json does not exist"):
        mix(replace(PARAMS, labels=["nowhere.json"]))


def imported(people: People, taken: list[int] | None = None, by: str = "anna") -> str:
    """A file of label-import: of `people`, one an image, those `taken` were labelled; other images show nobody."""
    write_crowd(Path("pool/people.json"), people)
    people, images = read_people(Path("pool/people.json"))
    return str(labelled(people if taken is None else people.take(taken), images, by=by).path)


def test_a_picture_that_was_labelled_again_is_learnt_once_as_it_was_labelled_last(real: People) -> None:
    """In whatever order the files are named; the second import finds nobody in the first two of five images."""
    more = crowd((0, 2, 3), seed=9)
    first = imported(more)
    corrected = more.replace(keypoints_px=more.keypoints_px + 2)
    second = imported(corrected, [2, 3, 4], by="ben")
    for files in ([first, second], [second, first], [second, first, second]):
        metrics = mix(replace(PARAMS, labels=files))
        people, images = read_people(OUT / "train.json", root=Path.cwd())
        assert (len(people), len(images)) == (62 + 3 + 8, 75)
        assert (metrics["images_labelled_again"], metrics["images_without_anybody"]) == (5, 2)
        assert set(people.extras["annotator"][62:65]) == {"ben"}
        assert people.keypoints_px[62:65] == pytest.approx(corrected.keypoints_px[2:], abs=1e-3)
    assert mix(replace(PARAMS, labels=[first]))["images_labelled_again"] == 0, "the user names what is learnt from"


def test_labels_whose_pictures_are_not_those_that_were_labelled_are_refused(real: People) -> None:
    name = imported(crowd((0, 2, 3), seed=9))
    file = read_label_file(Path(name))
    path = Path(file.images.path[1])
    content = path.read_bytes()
    path.write_bytes(Path(file.images.path[2]).read_bytes())
    with pytest.raises(InputError, match=rf"{name} has labels of.*{path} has changed, .*; bring them back: `dvc pull"):
        mix(replace(PARAMS, labels=[name]))
    assert not OUT.exists()
    path.write_bytes(content)
    mix(replace(PARAMS, labels=[name]))
    write_crowd(Path("data/labels/own.json"), crowd((1,)))
    with pytest.raises(InputError, match=r"own\.json is not a file of label-import"):
        mix(replace(PARAMS, labels=["data/labels/own.json"]))


def test_images_in_which_a_person_saw_nobody_are_kept_and_drawn_by_nobody(real: People) -> None:
    """Images of a label file stay, so that select does not ask for them again. A file may hold nothing else."""
    people = crowd((0, 2, 3), seed=9)
    assert mix()["images_without_anybody"] == 0
    for taken, empty in (([0, 1, 2], 2), ([], 5)):
        metrics = mix(replace(PARAMS, labels=[imported(people, taken)]))
        mixed, mixed_images = read_people(OUT / "train.json", root=Path.cwd())
        assert metrics["images_without_anybody"] == empty
        assert (len(mixed), len(mixed_images)) == (70 + len(taken), 75)


def test_trust_in_single_joints_is_kept_and_a_malformed_one_refused(real: People) -> None:
    more = crowd((0, 2, 3), seed=9)
    weights = np.random.default_rng(0).random((5, 17)).round(4)
    mix(replace(PARAMS, labels=[imported(with_joint_weights(more, weights))]))
    people, _ = read_people(OUT / "train.json", root=Path.cwd())
    assert joint_weights(people)[62:67] == pytest.approx(weights)
    assert (np.delete(joint_weights(people), np.arange(62, 67), axis=0) == 1).all()
    write_crowd(REAL, real.with_extra("joint_weight", [[1.0] * 16] * 62))
    with pytest.raises(InputError, match="joint_weight is malformed"):
        mix()
