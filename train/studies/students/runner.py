"""Plays each trial: fits as processes of their own, measured on the test people, kept for the next call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from dataengine import starter
from dataengine.coco_json import write_people
from dataengine.errors import InputError
from dataengine.evaluation.figures import Figures
from dataengine.files import read_json, sha256_file
from dataengine.nets.checkpoint import WEIGHTS_NAME
from dataengine.studies.network_figures import network_figures
from dataengine.studies.params_study import ParamsStudy
from dataengine.studies.settings import with_settings
from dataengine.studies.spent_time import spent_time

from ...pseudo.params import PseudoLabelParams
from .fits import ONLY, PSEUDO_PER_REAL, SECTIONS, StudentFits, refuse_start
from .labelling import PseudoLabels, pseudo_label
from .outside import OutsideTeachers
from .page import PAGE_NAME, StudentOutcome, write_student_page
from .plan import EMA, FROM_OUTSIDE, LIKELY, OUTSIDE, PLAIN, PSEUDO, TWO, StudentPlan, StudentTrial
from .sets import Labelled, StudentSets

LESS = {
    OUTSIDE: f"lower pseudo-label.target_precision, or take {LIKELY}",
    LIKELY: "name a teacher that finds more joints, or lower pseudo-label.min_joints",
    PLAIN: f"lower the thresholds of section pseudo-label, or take {LIKELY}",
}
"""Recipe -> what lets it accept more."""
NO_PSEUDO = {PSEUDO_PER_REAL: "0.0"}


@dataclass(frozen=True, kw_only=True)
class StudentStudy(ParamsStudy[StudentTrial, StudentOutcome]):
    """A plan on one labelled set."""

    command = "compare-students"
    unit = "trial"
    page_name = PAGE_NAME
    outcome_kind = StudentOutcome

    plan: StudentPlan
    sets: StudentSets
    pseudo: PseudoLabelParams
    outside: OutsideTeachers | None = None
    """Who is asked by the recipes `FROM_OUTSIDE`."""

    def prepare(self) -> None:
        """See that fits can start from every start; ask the outside teachers about validation.

        About training pictures they are asked when a trial needs it.
        """
        for start in self.plan.starts:
            trial = StudentTrial(self.plan.recipes[0], start, self.plan.labels[-1], self.plan.seeds[0])
            refuse_start(start, self.document, {**self.plan.fit_params(trial), **NO_PSEUDO})
        _ = self._teachers

    def trials(self) -> Sequence[StudentTrial]:
        """All trials of the plan."""
        return self.plan.trials()

    def name(self, trial: StudentTrial) -> str:
        """Name of a trial."""
        own: Any = asdict(self.pseudo) if trial.recipe in (PSEUDO, *FROM_OUTSIDE) else None
        if trial.recipe in FROM_OUTSIDE and self.outside is not None:
            own = [own, self.outside.decides]
        folder = self.plan.folders.get(trial.start)
        first = [sha256_file(Path(folder) / WEIGHTS_NAME)] if folder else []
        return self.plan.name(trial, [self._decides, own, *first])

    def outcome(self, trial: StudentTrial) -> StudentOutcome:
        """Fit and measure, as far as an earlier call has not."""
        labelled, others = self.sets.split(trial.labels, trial.seed)
        found: PseudoLabels | None = None
        if trial.recipe in FROM_OUTSIDE:
            assert self.outside is not None  # the command sees to it
            found = self.outside.label(trial.recipe, others)
            if not len(found.people):
                raise InputError(
                    f"{trial.recipe} accepts nobody",
                    expected="people to learn from",
                    got="none",
                    fix=LESS[trial.recipe],
                )
        with spent_time(self.report / "fits" / self.name(trial) / "seconds.json") as seconds:
            network, found = self._played(trial, labelled, others, found)
        facts: dict[str, Any] = self._measured(network)
        if found is not None:
            facts |= {"precision": found.precision, "coverage": found.coverage, "pseudo_people": len(found.people)}
        return self.keep(trial, StudentOutcome(seconds=round(seconds(), 1), **facts))

    def write(self, known: Mapping[StudentTrial, StudentOutcome]) -> None:
        """The page and the plot."""
        sizes = {name: len(getattr(self.sets, name)[1]) for name in ("train", "val", "test")}
        asked = self.pseudo.target_precision
        write_student_page(self.report, self.plan, known, sizes, asked, self.line, self._teachers)

    def _played(
        self, trial: StudentTrial, labelled: Labelled, others: Labelled, found: PseudoLabels | None
    ) -> tuple[Path, PseudoLabels | None]:
        """The network of a trial, and the pseudo-labels that it learned from."""
        if not trial.labels and found is None:
            return starter.FOLDER, None
        folder = self.report / "fits" / self.name(trial)
        settings = self.plan.fit_params(trial)
        student = partial(self._fits.fit, folder / "student", seed=trial.seed)
        if trial.recipe == PSEUDO:
            teacher = self._fits.fit(folder / "teacher", {**settings, **NO_PSEUDO}, labelled, seed=trial.seed)
            found = pseudo_label(teacher, others, self.sets.val, self.pseudo, self.protocol)
            settings = self.plan.fit_params(trial, teacher.as_posix())
        if found is None:
            unlabelled = others if trial.recipe in (EMA, TWO) else None
            return student({**settings, **NO_PSEUDO}, labelled, unlabelled=unlabelled), None
        write_people(folder / "pseudo.json", found.people, others[1])
        if not trial.labels:
            settings |= {ONLY: "pseudo"}
        elif PSEUDO_PER_REAL not in settings:
            # what an outside teacher labels is drawn as often as what a person did
            each = len(found.people) / len(labelled[0]) if trial.recipe in FROM_OUTSIDE else 1.0
            settings |= {PSEUDO_PER_REAL: f"{each:.4f}"}
        return student(settings, labelled, pseudo=folder / "pseudo.json"), found

    @cached_property
    def _fits(self) -> StudentFits:
        return StudentFits(document=self.document, val=self.sets.val, log=self.report / "study.log")

    @cached_property
    def _teachers(self) -> dict[str, Figures]:
        """Figures of the outside teachers on the validation people."""
        return self.outside.figures() if self.outside is not None else {}

    def _measured(self, network: Path) -> dict[str, float]:
        figures = network_figures(network, *self.sets.test, self.protocol)
        if network == starter.FOLDER:
            val_ap = network_figures(network, *self.sets.val, self.protocol, "validation people").ap
        else:
            val_ap = float(read_json(network.with_name("report") / "metrics.json")["val_oks_ap"])
        return {"ap": figures.ap, "ap50": figures.ap50, "pck_02": figures.pck_02, "val_ap": val_ap}

    @cached_property
    def _decides(self) -> list[Any]:
        """What decides a result apart from the plan."""
        return [
            self.sets.sha256,
            with_settings(self.document, SECTIONS, {}),
            sha256_file(starter.FOLDER / WEIGHTS_NAME),
        ]
