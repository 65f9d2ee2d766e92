"""A fit of a study: `dataengine fit-teacher` as a process of its own, on files that are written for it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from dataengine.coco_json import write_people
from dataengine.files import atomic_path
from dataengine.mixing import MixRecipe, write_recipe
from dataengine.studies.logged_call import call_logged

from .plan import STAGE
from .sets import LabelledImages

SECTIONS = ("fit", STAGE, "oks", "compare", "registry")
"""Sections of params.yaml that a fit may read: its own, and where a champion lies to start from."""
MIX, VAL, PARAMS, REPORT = "mix", "val.json", "params.yaml", "report"  # in a fit's folder


def fit(
    folder: Path,
    network: Path,
    *,
    labelled: LabelledImages,
    val: LabelledImages,
    params: Mapping[str, Any],
    seed: int,
    log: Path,
) -> None:
    """Fit on the real people of `labelled` and write the checkpoint folder `network`; a fit that was killed goes on.

    Args:
        folder: for the files that the fit reads, and its report.
        network: checkpoint folder to write.
        labelled: who is learnt from.
        val: whom the fit validates on.
        params: what its params.yaml says.
        seed: of the draw.
        log: file for what the process prints.

    Raises:
        InputError: the fit fails.
    """
    people = labelled.people
    write_people(folder / MIX / "train.json", people.with_extra("repeat_factor", np.ones(len(people))), labelled.images)
    write_recipe(folder / MIX / "recipe.json", MixRecipe(0.0, 0.0, seed, "real"))
    write_people(folder / VAL, val.people, val.images)
    with atomic_path(folder / PARAMS) as partial:
        partial.write_text(yaml.safe_dump(dict(params), sort_keys=False), encoding="utf-8")
    given = {"mix": MIX, "val": VAL, "report": REPORT, "params": PARAMS}
    words = [word for name, file in given.items() for word in (f"--{name}", str(folder / file))]
    call_logged([STAGE, *words, "--out", str(network)], log, f"a fit of {folder.name}")
