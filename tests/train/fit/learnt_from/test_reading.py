"""What a fit reads: where people answered a picture, the teachers' labels of it do not count."""

from pathlib import Path

import numpy as np
import pytest

from dataengine.coco_json import read_people, write_people
from dataengine.errors import InputError
from dataengine.labelled_set import joined
from dataengine.labels.joint_weights import with_joint_weights
from dataengine.labels.label_file import read_label_file
from dataengine.mixing import MixRecipe, write_recipe
from dataengine.people import Images, People
from dataengine.train.fit.learnt_from.reading import read_training_set

from ....helpers.drawn_people import draw_people_at
from ....helpers.fitting_project import write_project
from ....helpers.label_files import labelled


def test_pseudo_labels_of_answered_pictures_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mix has labelled one of the pool's pictures, and confirmed that another shows nobody."""
    monkeypatch.chdir(tmp_path)
    write_project()
    people, images = draw_people_at(Path("pool"), 4, seed=5, source="pseudo")
    write_people(Path("pseudo/people.json"), people, images)
    mixed, mixed_images = read_people(Path("mix/train.json"), root=tmp_path)
    answered = images.take([0, 2]).replace(id=[101, 102])
    own = people.take([0]).replace(image_id=np.array([101]), source=np.array(["real"], dtype="<U9"))
    parts = [mixed, own.with_extra("repeat_factor", [1.0])]
    write_people(Path("mix/train.json"), People.concat(parts), Images.concat([mixed_images, answered]))
    training = read_training_set(Path("mix"), Path("pseudo/people.json"), 0.5)
    pseudo = training.people.take(training.people.source == "pseudo")
    shown = training.images.path[training.images.rows_of(pseudo.image_id)].tolist()
    assert shown == images.path[[1, 3]].tolist() and len(training.people) == 8 + 1 + 2
    assert len(training.mix.source) == len(training.mix.repeat_factor) == 11


def test_pseudo_labels_of_pictures_that_labels_own_are_left_out_by_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The label store has copies of its own of the pool's pictures; one that has changed stops the fit."""
    monkeypatch.chdir(tmp_path)
    write_project()
    people, images = draw_people_at(Path("pool"), 4, seed=5, source="pseudo")
    write_people(Path("pseudo/people.json"), people, images)
    own = people.take([0]).replace(source=np.array(["real"], dtype="<U9"))
    file = read_label_file(labelled(own, images.take([0, 2])).path)
    mixed = joined([read_people(Path("mix/train.json"), root=tmp_path), (file.people, file.images)])
    write_people(Path("mix/train.json"), mixed[0].with_extra("repeat_factor", np.ones(9)), mixed[1])
    training = read_training_set(Path("mix"), Path("pseudo/people.json"), 0.5)
    pseudo = training.people.take(training.people.source == "pseudo")
    shown = training.images.path[training.images.rows_of(pseudo.image_id)].tolist()
    assert shown == images.path[[1, 3]].tolist() and len(training.people) == 8 + 1 + 2
    Path(file.images.path[0]).write_bytes(Path(file.images.path[1]).read_bytes())
    for pseudo_labels in (None, Path("pseudo/people.json")):
        with pytest.raises(InputError, match=rf"mix/train\.json has labels of.*{file.images.path[0]} has changed.*dvc"):
            read_training_set(Path("mix"), pseudo_labels, 0.5)


def test_a_joint_that_weighs_nothing_is_not_taught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Labels that somebody passed on untouched may weigh 0 where `label-import.untouched_weight` says so."""
    monkeypatch.chdir(tmp_path)
    write_project()
    people, images = read_people(Path("mix/train.json"), root=tmp_path)
    weights = np.ones((len(people), 17))
    weights[:, 3], weights[1:, 4] = 0, 0  # one person's right ear still counts
    write_people(Path("mix/train.json"), with_joint_weights(people, weights), images)
    taught = read_training_set(Path("mix"), None, 0.0).taught(epochs=1, draws=1)
    assert np.flatnonzero(~taught).tolist() == [3]


def test_a_mix_of_nobody_leaves_the_fit_to_pseudo_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    people, images = draw_people_at(tmp_path / "images", 4, seed=0, source="pseudo")
    nobody = people.take([]).with_extra("repeat_factor", [])
    write_people(tmp_path / "mix" / "train.json", nobody, images.take([]))
    write_recipe(tmp_path / "mix" / "recipe.json", MixRecipe(0.0, 0.0, seed=1))
    write_people(tmp_path / "pseudo.json", people, images)
    training = read_training_set(tmp_path / "mix", tmp_path / "pseudo.json", 0.5, only="pseudo")
    assert sorted(training.order(0, 1)) == [0, 1, 2, 3]
    with pytest.raises(InputError, match="no real samples"):
        read_training_set(tmp_path / "mix", tmp_path / "pseudo.json", 0.5).order(0, 1)
