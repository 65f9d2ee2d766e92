"""Plays each trial: a judge accepts, a student is fitted on labels and what was accepted, and measured on others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine import starter
from dataengine.coco_json import write_people
from dataengine.errors import InputError
from dataengine.evaluation.analysis.image_clusters import scene_count
from dataengine.files import read_json, sha256_file
from dataengine.judges.table import TOGETHER
from dataengine.nets.checkpoint import WEIGHTS_NAME
from dataengine.studies.network_figures import network_figures
from dataengine.studies.params_study import ParamsStudy
from dataengine.studies.settings import json_hash, with_settings
from dataengine.studies.spent_time import spent_time

from ..students.fits import PSEUDO_PER_REAL, SECTIONS, StudentFits
from ..students.page import StudentOutcome
from ..students.plan import OUTSIDE, StudentPlan, StudentTrial
from ..students.sets import StudentSets
from .accepting import EVERYTHING, NOBODY, accepted_people, trust_by
from .page import PAGE_NAME, JudgedTrial, write_judged_page
from .tracks import JudgedPeople


@dataclass(frozen=True, kw_only=True)
class JudgedStudy(ParamsStudy[JudgedTrial, StudentOutcome]):
    """Judges of one teacher's labels, on one set of films."""

    command = "compare-judged"
    unit = "trial"
    page_name = PAGE_NAME
    outcome_kind = StudentOutcome

    judged: JudgedPeople
    judges: tuple[str, ...]
    share: float
    """How much of the joints of hidden people each judge accepts."""
    plan: StudentPlan
    """One start, one number of labels, and how long each fit is."""
    sets: StudentSets
    """Its `train` are the people of `judged`."""
    teacher: Sequence[str]
    """The name of the teacher that labels, and a hash of what decides answers and judges: networks, cameras, lifter."""

    def prepare(self) -> None:
        """See, before anything is fitted, that pictures are left to hide and that labels teach the learned judge.

        Raises:
            InputError: they are not, or do not.
        """
        pictures, labels = len(self.judged.images), self.plan.labels[0]
        if pictures <= labels:
            got = f"{pictures} with people who are labelled in three frames or more"
            raise InputError("--labels leaves no picture without labels", expected=f"over {labels} pictures", got=got)
        if TOGETHER in self.judges:
            for seed in self.plan.seeds:
                trust_by(TOGETHER, self.judged, ~self._is_hidden(seed), seed)

    def trials(self) -> Sequence[JudgedTrial]:
        """Seed by seed, so that a study that was stopped has treated the judges alike."""
        return [JudgedTrial(judge, seed) for seed in self.plan.seeds for judge in self.judges]

    def name(self, trial: JudgedTrial) -> str:
        """Name of a trial: another one where anything that decides its result has changed."""
        pseudo = None if trial.judge == NOBODY else [list(self.teacher), self._share(trial.judge)]
        mark = json_hash([self._decides, pseudo, self._settings(trial), self.plan.labels])
        return f"{trial.judge.replace(' ', '-').replace(',', '')}-seed{trial.seed}-{mark}"

    def outcome(self, trial: JudgedTrial) -> StudentOutcome:
        """Accept, fit and measure, as far as an earlier call has not."""
        folder = self.report / "fits" / self.name(trial)
        labelled, others = self.sets.split(self.plan.labels[0], trial.seed)
        settings, facts, pseudo = self._settings(trial), dict[str, Any](), None
        if trial.judge != NOBODY:
            is_hidden = self._is_hidden(trial.seed)
            trust = trust_by(trial.judge, self.judged, ~is_hidden, trial.seed)
            found = accepted_people(self.judged, trust, np.flatnonzero(is_hidden), self._share(trial.judge))
            facts = {"precision": found.precision, "coverage": found.coverage, "pseudo_people": len(found.people)}
            if not len(found.people):
                raise InputError(f"{trial.judge} accepts nobody", fix="raise --share, or give more films")
            pseudo = folder / "pseudo.json"
            write_people(pseudo, found.people, others[1])
            # what a teacher labels is drawn as often as what a person did
            settings = {**settings, PSEUDO_PER_REAL: f"{len(found.people) / len(labelled[0]):.4f}"}
        with spent_time(folder / "seconds.json") as seconds:
            network = self._fits.fit(folder / "student", settings, labelled, seed=trial.seed, pseudo=pseudo)
        figures = network_figures(network, *self.sets.test, self.protocol)
        report = read_json(network.with_name("report") / "metrics.json")
        outcome = StudentOutcome(
            ap=float(figures.ap),
            ap50=float(figures.ap50),
            pck_02=float(figures.pck_02),
            val_ap=float(report["val_oks_ap"]),
            seconds=round(seconds(), 1),
            **facts,
        )
        return self.keep(trial, outcome)

    def write(self, known: Mapping[JudgedTrial, StudentOutcome]) -> None:
        """The page and the plot."""
        sizes = {name: len(getattr(self.sets, name)[1]) for name in ("train", "val", "test")}
        sizes |= {f"{name} scenes": scene_count(getattr(self.sets, name)[1]) for name in ("train", "test")}
        write_judged_page(self.report, known, self.trials(), sizes, self.plan, self.teacher[0], self.share, self.line)

    def _is_hidden(self, seed: int) -> NDArray[np.bool_]:
        """Whose labels (n,) a seed hides."""
        return np.isin(self.judged.people.image_id, self.sets.split(self.plan.labels[0], seed)[1][1].id)

    def _share(self, judge: str) -> float:
        return 1.0 if judge == EVERYTHING else self.share

    def _settings(self, trial: JudgedTrial) -> dict[str, str]:
        fit = self.plan.fit_params(StudentTrial(OUTSIDE, self.plan.starts[0], self.plan.labels[0], trial.seed))
        return {**fit, PSEUDO_PER_REAL: "0.0"}

    @cached_property
    def _fits(self) -> StudentFits:
        return StudentFits(document=self.document, val=self.sets.val, log=self.report / "study.log")

    @cached_property
    def _decides(self) -> list[Any]:
        """What decides a result apart from judge and plan."""
        document = with_settings(self.document, SECTIONS, {})
        return [self.sets.sha256, document, sha256_file(starter.FOLDER / WEIGHTS_NAME)]
