"""What select takes for labelled, and for answered: real people, and pictures confirmed to show nobody."""

from pathlib import Path

import numpy as np

from dataengine.active.query.reading import read_labelled, read_unlabelled
from dataengine.coco_json import read_people, write_people
from dataengine.files import sha256_file
from dataengine.labels.answered import AnsweredFrames
from dataengine.labels.joint_weights import joint_weights, with_joint_weights
from dataengine.person_scale import with_joint_area

from ..conftest import Project


def test_the_training_index_counts_without_its_rendered_people(project: Project) -> None:
    """Two of four pictures show real people, one a rendered person, and one nobody."""
    people, images = read_people(project.labelled, root=project.root)
    source = np.array(["real", "synthetic", "real"], dtype=people.source.dtype)
    three = with_joint_weights(people.take([0, 1, 2]).replace(source=source), np.full((3, 17), 0.5))
    write_people(project.labelled, with_joint_area(three), images)
    known = read_labelled({"train": project.labelled, "val": project.val})
    hashes = [sha256_file(Path(path)) for path in images.path.tolist()]
    assert known.people.extras["split"].tolist() == ["train"] * 2 + ["val"] * 2
    assert joint_weights(known.people)[:, 0].tolist() == [0.5, 0.5, 1.0, 1.0]
    assert known.people.extras["area_from"].tolist() == ["joints"] * 2 + ["box"] * 2
    assert [key in known.answered.sha256 for key in hashes] == [True, False, True, True]
    answered = set(known.answered.sha256.tolist())
    assert len(answered) == 3 + 2 and set(known.people.extras["sha256"].tolist()) < answered


def test_answered_frames_are_no_candidates_with_or_without_people(project: Project) -> None:
    _, images = read_people(project.candidates, root=project.root)
    hashes = [sha256_file(Path(path)) for path in images.path.tolist()]
    people, left = read_unlabelled(project.candidates, AnsweredFrames.of([(images.take(range(3)), hashes[:3])]), 1)
    assert len(left) == 9 and len(people) == 18 and not set(hashes[:3]) & set(people.extras["sha256"].tolist())
    people, left = read_unlabelled(project.candidates, AnsweredFrames.of([(images, hashes)]), 1)
    assert len(people) == len(left) == 0
