"""What a fit learns from: pseudo-labels and the mix, pieces of an epoch, nothing held out, and all of it on record."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from dataengine.coco_json import read_people, write_people
from dataengine.errors import InputError, ParamsError
from dataengine.files import sha256_file
from dataengine.mixing import MixRecipe, write_recipe
from dataengine.nets.learnt_pictures import LEARNT_NAME, read_learnt_pictures
from dataengine.people import People
from dataengine.train import fit_teacher
from dataengine.train.fit.data import refuse_learning
from dataengine.train.fit.learnt_from.reading import read_training_set
from dataengine.train.fit.learnt_from.replay import ReplayParams
from dataengine.train.fit.run import INFERENCE_BATCH, Run
from dataengine.train.fit.start import model_meta
from dataengine.train.fit.steps.ranks import Ranks

from ...helpers.drawn_people import draw_people_at
from ...helpers.fitting_project import TINY, fit_here
from ...helpers.held_out import held_out_file
from .earlier_mix import SHORT, project  # noqa: F401  a fixture


def test_pseudo_labels_alone() -> None:
    pseudo, images = draw_people_at(Path("pool"), 5, seed=1, source="pseudo")
    write_people(Path("pseudo.json"), pseudo, images)
    training = read_training_set(Path("mix"), Path("pseudo.json"), 0.0, only="pseudo")
    assert set(training.people.source[training.order(0, 1)]) == {"pseudo"}
    with pytest.raises(InputError, match="no pseudo samples"):
        read_training_set(Path("mix"), None, 0.0, only="pseudo").order(0, 1)


def test_a_fit_on_the_mix_alone_where_there_are_no_pseudo_labels(capsys: pytest.CaptureFixture[str]) -> None:
    write_people(Path("pseudo.json"), People.empty(), draw_people_at(Path("pool"), 2, seed=1)[1])
    training = read_training_set(Path("mix"), Path("pseudo.json"), 0.5)
    assert "without pseudo-labels" in capsys.readouterr().err
    alone = read_training_set(Path("mix"), None, 0.0)
    assert training.order(0, 2).tolist() == alone.order(0, 2).tolist()
    assert training.people.keypoints_px.tolist() == alone.people.keypoints_px.tolist()
    with pytest.raises(InputError, match="no pseudo samples"):
        read_training_set(Path("mix"), Path("pseudo.json"), 0.5, only="pseudo").order(0, 1)


def test_an_epoch_of_a_number_of_people_is_the_next_piece_of_the_draws() -> None:
    training = read_training_set(Path("mix"), None, 0.0)
    pieces = np.concatenate([training.order(epoch, 2, 5) for epoch in range(8)])
    np.testing.assert_array_equal(pieces, training.order(0, 5))
    with_old = read_training_set(Path("mix"), None, 0.0, ReplayParams("old-mix", 0.5))
    for epoch in range(4):
        order = with_old.order(epoch, 2, 5)
        assert len(order) == 10 and sorted(order[order < 8]) == sorted(training.order(epoch, 2, 5))
    with pytest.raises(ParamsError, match="people_per_epoch"):
        replace(TINY, people_per_epoch=0)


def test_fits_on_sets_of_any_size_take_equally_many_steps() -> None:
    few, images = draw_people_at(Path("few"), 3, seed=8)
    write_people(Path("few-mix/train.json"), few.with_extra("repeat_factor", np.ones(3)), images)
    write_recipe(Path("few-mix/recipe.json"), MixRecipe(0.0, 0.0, 1))
    params = replace(TINY, people_per_epoch=20, draws_per_epoch=7)
    for mix in ("mix", "few-mix"):
        training = read_training_set(Path(mix), None, 0.0)
        ranks = Ranks.of_environment(torch.device("cpu"))
        run = Run(params, model_meta(params), training, ranks, precision="fp32")
        assert (run.steps_per_epoch, run.steps) == (2, 6)
        assert run.inference_batch == INFERENCE_BATCH
        run.stepper.learner.pieces = 4
        assert run.inference_batch == params.batch // 4, "as many as fitted into memory"


def held_out_picture(folder: Path, place: Path) -> Path:
    """A file that holds out the first picture of the label file `place`."""
    _, images = read_people(place, root=Path.cwd())
    return held_out_file(folder, images.take([0]))


@pytest.mark.parametrize("place", ["mix/train.json", "old-mix/train.json"])
def test_a_picture_that_is_held_out_is_not_learnt_from_nor_replayed(place: str) -> None:
    held_out = held_out_picture(Path(), Path(place))
    params = replace(SHORT, replay=ReplayParams("old-mix", 0.5))
    paths: dict[str, Any] = {
        "mix": Path("mix"),
        "val": Path("val.json"),
        "out": Path("models/a"),
        "report": Path("reports/a"),
    }
    with pytest.raises(InputError, match=r"^the training set has pictures.*1 of test"):
        fit_teacher.run(params, **paths, held_out=held_out)
    assert not Path("models/a").exists()


def test_a_pseudo_labelled_picture_that_is_held_out_is_not_learnt_from() -> None:
    pseudo, images = draw_people_at(Path("pool"), 5, seed=1, source="pseudo")
    write_people(Path("pseudo.json"), pseudo.take([0, 1, 2]), images)
    training = read_training_set(Path("mix"), Path("pseudo.json"), 0.5)
    with pytest.raises(InputError, match="1 of test"):
        refuse_learning(held_out_file(Path(), images.take([2])), training)
    refuse_learning(held_out_file(Path(), images.take([4])), training)  # nobody there is learnt from
    refuse_learning(held_out_file(Path(), images.take([2])), read_training_set(Path("mix"), None, 0.0))


def hashes(place: str) -> set[str]:
    _, images = read_people(Path(place), root=Path.cwd())
    return {sha256_file(Path(path)) for path in images.path.tolist()}


def test_a_checkpoint_says_which_pictures_it_has_learnt_from_and_those_before_it() -> None:
    mix, old = hashes("mix/train.json"), hashes("old-mix/train.json")
    fit_here(SHORT, "models/plain")
    assert read_learnt_pictures(Path("models/plain")) == mix
    fit_here(replace(SHORT, replay=ReplayParams("old-mix", 0.5)), "models/replayed")
    assert read_learnt_pictures(Path("models/replayed")) == mix | old
    assert mix.isdisjoint(old)
    more, images = draw_people_at(Path("more"), 8, seed=9)
    write_people(Path("more-mix/train.json"), more.with_extra("repeat_factor", np.ones(8)), images)
    write_recipe(Path("more-mix/recipe.json"), MixRecipe(0.0, 0.0, 1))
    paths: dict[str, Any] = {"mix": Path("more-mix"), "val": Path("val.json"), "report": Path("reports/more")}
    fit_teacher.run(replace(SHORT, start_from="models/plain"), **paths, out=Path("models/more"))
    assert read_learnt_pictures(Path("models/more")) == mix | hashes("more-mix/train.json")
    (Path("models/plain") / LEARNT_NAME).unlink()
    fit_teacher.run(replace(SHORT, start_from="models/plain"), **paths, out=Path("models/more"))
    assert read_learnt_pictures(Path("models/more")) is None, "what the first network learnt from is not known"
