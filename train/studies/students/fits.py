"""One fit of a trial: its files, its params, and the command `fit-student` as a process of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from dataengine.coco_json import write_people
from dataengine.errors import DataEngineError, InputError
from dataengine.files import atomic_path
from dataengine.mixing import MixRecipe, write_recipe
from dataengine.nets.checkpoint import META_NAME
from dataengine.studies.logged_call import call_logged
from dataengine.studies.settings import with_settings

from ...unlabelled.student_params import FitStudentParams
from .plan import STAGE
from .sets import Labelled, without_labels

SECTIONS = ("fit", STAGE, "oks", "compare", "registry")
PSEUDO_PER_REAL, ONLY = f"{STAGE}.pseudo_per_real", f"{STAGE}.only"


@dataclass(frozen=True, kw_only=True)
class StudentFits:
    """What all fits share."""

    document: Mapping[str, Any]
    """The params.yaml."""
    val: Labelled
    log: Path

    def fit(
        self,
        folder: Path,
        settings: Mapping[str, str],
        learnt: Labelled,
        *,
        seed: int,
        unlabelled: Labelled | None = None,
        pseudo: Path | None = None,
    ) -> Path:
        """The checkpoint folder of one fit on the people `learnt`; one that was killed goes on.

        Args:
            folder: Where the fit's files lie.
            settings: ``section.key`` -> value over the document.
            learnt: Who is learned from: real people, or pseudo-labelled ones alone.
            seed: Of the draws of the mix.
            unlabelled: People of whom the boxes teach, for consistency.
            pseudo: File of pseudo-labelled people who are learned from besides.
        """
        network = folder / "network"
        if (network / META_NAME).is_file():
            return network
        people, images = learnt
        write_people(folder / "mix" / "train.json", people.with_extra("repeat_factor", np.ones(len(people))), images)
        write_recipe(folder / "mix" / "recipe.json", MixRecipe(0.0, 0.0, seed))
        write_people(folder / "val.json", *self.val)
        with atomic_path(folder / "params.yaml") as partial:
            laid = with_settings(self.document, SECTIONS, settings)
            partial.write_text(yaml.safe_dump(laid, sort_keys=False), encoding="utf-8")
        given = {
            "mix": folder / "mix",
            "pseudo": pseudo or folder / "none.json",
            "val": folder / "val.json",
            "out": network,
            "report": folder / "report",
            "params": folder / "params.yaml",
        }
        if unlabelled is not None:
            write_people(folder / "unlabelled.json", without_labels(unlabelled[0]), unlabelled[1])
            given["unlabelled"] = folder / "unlabelled.json"
        words = [word for name, path in given.items() for word in (f"--{name}", str(path))]
        call_logged([STAGE, *words], self.log, f"a fit of {folder.parent.name}")
        return network


def refuse_start(start: str, document: Mapping[str, Any], settings: Mapping[str, str]) -> None:
    """Raise `InputError` where no fit can begin as `settings` over the `document` say: before hours of other fits."""
    from ...fit.networks import refuse_misfit
    from ...fit.start import load_settled

    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "params.yaml"
        path.write_text(yaml.safe_dump(with_settings(document, SECTIONS, settings)), encoding="utf-8")
        try:
            refuse_misfit(load_settled(path, STAGE, FitStudentParams))
        except DataEngineError as error:
            raise InputError(f"no fit can start from {start}: {error}") from error
