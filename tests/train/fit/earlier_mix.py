"""A folder to fit in, with what an earlier network has learnt from."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dataengine.coco_json import write_people
from dataengine.mixing import MixRecipe, write_recipe

from ...helpers.drawn_people import draw_people_at
from ...helpers.fitting_project import TINY, one_torch_thread, write_project

SHORT = replace(TINY, epochs=2)


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder to fit in, with an old mix of five people and an old test set of three others."""
    monkeypatch.chdir(tmp_path)
    write_project()
    old, images = draw_people_at(Path("old"), 5, seed=5)
    write_people(Path("old-mix/train.json"), old.with_extra("repeat_factor", np.ones(5)), images)
    write_recipe(Path("old-mix/recipe.json"), MixRecipe(0.0, 0.0, 9))
    write_people(Path("old-test.json"), *draw_people_at(Path("old-test"), 3, seed=6))
    with one_torch_thread():
        yield
