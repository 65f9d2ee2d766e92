"""Runs the sweep over the ratio: experiments of DVC on the present commit, whose validation AP is read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from dataengine.errors import InputError
from dataengine.studies.settings import assignments, json_hash
from dataengine.studies.study import Study

from .plan import MixPlan, MixTrial
from .report import write_mix_report

METRIC = "val_oks_ap"


@dataclass(frozen=True, kw_only=True)
class MixStudy(Study[MixTrial, float]):
    """A sweep in the working folder's project; the outcome of a trial is its validation AP."""

    command = "sweep-mix"
    unit = "trial"
    page_name = "sweep"

    plan: MixPlan

    def prepare(self) -> None:
        """Fetched, rendered, balanced and mixed people: trials take them from DVC's cache."""
        self.project.repro("mix")

    def trials(self) -> list[MixTrial]:
        """Every ratio with every seed."""
        return self.plan.trials()

    def known(self, trial: MixTrial) -> float | None:
        """The AP that an earlier call's experiment measured."""
        return self._measured.get(self.name(trial), {}).get(METRIC)

    def outcome(self, trial: MixTrial) -> float:
        """Run the experiment. Raises InputError where it fails or measures nothing."""
        name = self.name(trial)
        if name in self._measured:  # left by a run that measured nothing
            self.project.remove_experiment(name)
        self.project.run_experiment(name, self.plan.params_of(trial), self.plan.stage)
        metrics = self.project.experiment_metrics(self.plan.stage).get(name, {})
        if METRIC not in metrics:
            raise InputError(f"experiment {name} has no {METRIC}", fix=f"see {self.project.log}")
        return metrics[METRIC]

    def write(self, known: Mapping[MixTrial, float]) -> None:
        """The page, the plot and the figures, once all trials are known: ratios are compared on the same seeds."""
        if len(known) == len(self.trials()):
            write_mix_report(self.report, self.plan, known)

    def name(self, trial: MixTrial) -> str:
        """Name of the trial's experiment: another one where anything that decides the result has changed."""
        return f"{trial.text()}-{self._mark}"

    @cached_property
    def _mark(self) -> str:
        """Hash of all but ratio and seed: settings, the mix's inputs, and changes since the commit, except texts."""
        plan, project = self.plan, self.project
        return json_hash([plan.stage, assignments(plan.settings), project.dependencies("mix"), project.changes()])

    @cached_property
    def _measured(self) -> dict[str, dict[str, float]]:
        """Metrics by name of the experiments there are before this call runs any."""
        return self.project.experiment_metrics(self.plan.stage)
