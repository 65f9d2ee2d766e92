"""Plays each trial: fits as processes of their own, measured on the test people, kept for the next call."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from dataengine import starter
from dataengine.coco_json import write_people
from dataengine.errors import InputError
from dataengine.evaluation.ap.protocol import OksProtocol
from dataengine.evaluation.figures import figures_of
from dataengine.evaluation.own_sigmas import load_protocol
from dataengine.files import atomic_path, read_json, sha256_file, write_json
from dataengine.mixing import MixRecipe, write_recipe
from dataengine.nets.checkpoint import META_NAME, WEIGHTS_NAME
from dataengine.studies.settings import with_settings
from dataengine.studies.study import Study
from dataengine.typed_record import RECORDS

from ...pseudo.params import PseudoLabelParams
from .labelling import pseudo_label
from .page import PAGE_NAME, StudentOutcome, write_student_page
from .plan import EMA, PSEUDO, STAGE, TWO, StudentPlan, StudentTrial
from .sets import Labelled, StudentSets, without_labels

SECTIONS = ("fit", STAGE, "oks", "compare", "registry")


@dataclass(frozen=True, kw_only=True)
class StudentStudy(Study[StudentTrial, StudentOutcome]):
    """A plan on one labelled set."""

    command = "compare-students"
    unit = "trial"
    page_name = PAGE_NAME

    plan: StudentPlan
    sets: StudentSets
    params: Path
    """The params.yaml whose fits are run."""
    pseudo: PseudoLabelParams
    line: str
    """The command line that asks for this study."""

    @cached_property
    def protocol(self) -> OksProtocol:
        """How AP is counted: by the sigmas of `params`."""
        return load_protocol(self.params)

    def prepare(self) -> None:
        """Nothing: the sets are read."""

    def trials(self) -> Sequence[StudentTrial]:
        """All trials of the plan."""
        return self.plan.trials()

    def name(self, trial: StudentTrial) -> str:
        """Name of a trial."""
        own = asdict(self.pseudo) if trial.recipe == PSEUDO else None
        folder = self.plan.folders.get(trial.start)
        first = [sha256_file(Path(folder) / WEIGHTS_NAME)] if folder else []
        return self.plan.name(trial, [self._decides, own, *first])

    def known(self, trial: StudentTrial) -> StudentOutcome | None:
        """What an earlier call measured."""
        path = self.record_file(self.name(trial))
        if not path.exists():
            return None
        return RECORDS.record(StudentOutcome, read_json(path)["outcome"], str(path))

    def outcome(self, trial: StudentTrial) -> StudentOutcome:
        """Fit and measure, as far as an earlier call has not."""
        folder = self.report / "fits" / self.name(trial)
        labelled, others = self.sets.split(trial.labels, trial.seed)
        began = time.monotonic()
        facts: dict[str, Any] = {}
        if trial.recipe == PSEUDO:
            teacher = self._fit(folder / "teacher", replace(trial, recipe=PSEUDO), labelled, teacher=True)
            found = pseudo_label(teacher, others, self.sets.val, self.pseudo, self.protocol)
            write_people(folder / "pseudo.json", found.people, others[1])
            facts = {
                "precision": found.precision,
                "coverage": found.coverage,
                "pseudo_people": len(found.people),
            }
            network = self._fit(
                folder / "student", trial, labelled, pseudo=folder / "pseudo.json", start_from=teacher.as_posix()
            )
        else:
            network = self._fit(folder / "student", trial, labelled, others=others)
        seconds = time.monotonic() - began
        facts |= self._measured(network)
        outcome = StudentOutcome(seconds=round(seconds, 1), **facts)
        write_json(self.record_file(self.name(trial)), {**asdict(trial), "outcome": asdict(outcome)})
        return outcome

    def write(self, known: Mapping[StudentTrial, StudentOutcome]) -> None:
        """The page and the plot."""
        sizes = {name: len(getattr(self.sets, name)[1]) for name in ("train", "val", "test")}
        write_student_page(self.report, self.plan, known, sizes, self.pseudo.target_precision, self.line)

    def _fit(
        self,
        folder: Path,
        trial: StudentTrial,
        labelled: Labelled,
        *,
        others: Labelled | None = None,
        pseudo: Path | None = None,
        start_from: str | None = None,
        teacher: bool = False,
    ) -> Path:
        """The checkpoint folder of one fit; one that was killed goes on."""
        network = folder / "network"
        if (network / META_NAME).is_file():
            return network
        people, images = labelled
        extra = people.with_extra("repeat_factor", np.ones(len(people)))
        write_people(folder / "mix" / "train.json", extra, images)
        write_recipe(folder / "mix" / "recipe.json", MixRecipe(0.0, 0.0, trial.seed))
        write_people(folder / "val.json", *self.sets.val)
        settings = self.plan.fit_params(trial, start_from)
        if pseudo is None:
            settings[f"{STAGE}.pseudo_per_real"] = "0.0"
        elif f"{STAGE}.pseudo_per_real" not in settings:
            settings[f"{STAGE}.pseudo_per_real"] = "1.0"
        if teacher:
            settings[f"{STAGE}.consistency.mode"] = "none"
        with atomic_path(folder / "params.yaml") as partial:
            partial.write_text(
                yaml.safe_dump(with_settings(self._document, SECTIONS, settings), sort_keys=False), encoding="utf-8"
            )
        given = {
            "mix": folder / "mix",
            "pseudo": pseudo or folder / "none.json",
            "val": folder / "val.json",
            "out": network,
            "report": folder / "report",
            "params": folder / "params.yaml",
        }
        if trial.recipe in (EMA, TWO) and others is not None:
            write_people(folder / "unlabelled.json", without_labels(others[0]), others[1])
            given["unlabelled"] = folder / "unlabelled.json"
        words = [word for name, path in given.items() for word in (f"--{name}", str(path))]
        self._call([sys.executable, "-m", "dataengine", STAGE, *words], folder.parent.name)
        return network

    def _call(self, command: Sequence[str], name: str) -> None:
        log = self.report / "study.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as opened:
            opened.write(f"\n$ {' '.join(command[2:])}\n")
            opened.flush()
            done = subprocess.run(command, stdout=opened, stderr=opened)
        if done.returncode:
            lines = log.read_text(encoding="utf-8").strip().splitlines()
            raise InputError(f"a fit of {name} failed", got=lines[-1] if lines else "", fix=f"see {log}")

    def _measured(self, network: Path) -> dict[str, float]:
        from dataengine.inference.running.predict import load_runner, predict_people

        people, images = self.sets.test
        found = predict_people(*load_runner(network), people, images, description="test people")
        figures = figures_of(people, images, found.as_people(people), self.protocol)
        report = read_json(network.with_name("report") / "metrics.json")
        return {
            "ap": figures.ap,
            "ap50": figures.ap50,
            "pck_02": figures.pck_02,
            "val_ap": float(report["val_oks_ap"]),
        }

    @cached_property
    def _document(self) -> dict[str, Any]:
        return dict(yaml.safe_load(self.params.read_text(encoding="utf-8")))

    @cached_property
    def _decides(self) -> list[Any]:
        """What decides a result apart from the plan."""
        return [
            self.sets.sha256,
            with_settings(self._document, SECTIONS, {}),
            sha256_file(starter.FOLDER / WEIGHTS_NAME),
        ]
