"""The runner of all studies: it runs each trial that is not known yet and keeps the page up to date.

A trial is one fit: an experiment of DVC in a folder of its own, so the checkout stays as it is. A study that was
stopped goes on where it stood, because what a trial came to is found again by the trial's name.
"""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Generic, TypeVar

import typer

from dataengine.studies.dvc_project import DvcProject
from dataengine.terminal.progress import track

TrialT = TypeVar("TrialT", bound=Hashable)
OutcomeT = TypeVar("OutcomeT")


@dataclass(frozen=True, kw_only=True)
class Study(ABC, Generic[TrialT, OutcomeT]):
    """Trials in the working folder's project, and the folder that shows what they came to."""

    command: ClassVar[str]
    """The command that runs the study."""
    unit: ClassVar[str]
    """What the study calls a trial."""
    page_name: ClassVar[str]
    """Name of the page and of its plot, without suffix."""

    report: Path
    """Folder for the page, the plot, the log and what is kept of each trial."""

    @cached_property
    def project(self) -> DvcProject:
        """The working folder's project. InputError or EnvironmentFault where it is none."""
        return DvcProject(Path.cwd(), self.report / "study.log")

    @abstractmethod
    def prepare(self) -> None:
        """Bring what all trials read up to date, once."""

    @abstractmethod
    def trials(self) -> Sequence[TrialT]:
        """All trials, in the order in which they are run."""

    @abstractmethod
    def known(self, trial: TrialT) -> OutcomeT | None:
        """What an earlier call found; None where the trial has to be run."""

    @abstractmethod
    def outcome(self, trial: TrialT) -> OutcomeT:
        """Run the trial, and keep what it came to where `known` finds it."""

    @abstractmethod
    def write(self, known: Mapping[TrialT, OutcomeT]) -> None:
        """Write the page and the plot of the trials known so far."""

    def run(self) -> None:
        """Run the trials that are not known, and write the page after each of them.

        Raises:
            InputError: a trial fails, or lacks what it needs.
            EnvironmentFault: the working folder is no project of git and DVC.
        """
        self.prepare()
        trials = self.trials()
        known = {trial: found for trial in trials if (found := self.known(trial)) is not None}
        typer.echo(f"{self.command}: {len(known)} of {len(trials)} {self.unit}s are known", err=True)
        self.write(known)
        missing = [trial for trial in trials if trial not in known]
        for trial in track(missing, self.command.replace("-", " "), unit=self.unit):
            known[trial] = self.outcome(trial)
            self.write(known)
        page = self.report / self.page_name
        typer.echo(f"{self.command}: {page}.md and {page}.png", err=True)

    def experiment(
        self, name: str, params: Mapping[str, str], stage: str, *, copied: Sequence[Path] = (), alone: bool = False
    ) -> str:
        """Revision of the experiment `name`, which is run where there is none; see `DvcProject.run_experiment`."""
        if name not in self.project.experiments():
            self.project.run_experiment(name, params, stage, copied=copied, alone=alone)
        return self.project.experiments()[name]

    def record_file(self, name: str) -> Path:
        """Where the outcome of the trial with this name is kept."""
        return self.report / "runs" / f"{name}.json"
