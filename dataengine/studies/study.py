"""The runner of all studies: it runs each trial that has no outcome yet and keeps the page up to date.

A trial is one fit: an experiment of DVC in a folder of its own, so the checkout stays as it is. A study that was
stopped continues where it was, because a trial's outcome is found by the trial's name.
"""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Generic, TypeVar

from dataengine.evaluation.ap.protocol import OksProtocol
from dataengine.evaluation.own_sigmas import load_protocol
from dataengine.files import scratch_folder
from dataengine.hardware.threads import torch_threads
from dataengine.parallel.parallel_map import parallel_map
from dataengine.studies.dvc_project import PARAMS_NAME, DvcProject
from dataengine.studies.one_at_a_time import one_at_a_time
from dataengine.terminal.progress import track
from dataengine.terminal.speech import say

TrialT = TypeVar("TrialT", bound=Hashable)
OutcomeT = TypeVar("OutcomeT")


@dataclass(frozen=True, kw_only=True)
class Study(ABC, Generic[TrialT, OutcomeT]):
    """Trials in the working folder's project, and the folder for their outcomes."""

    command: ClassVar[str]
    """The command that runs the study."""
    unit: ClassVar[str]
    """What the study calls a trial."""
    page_name: ClassVar[str]
    """Name of the page and of its plot, if it has one, without suffix."""

    report: Path
    """Folder for the page, the plot, the log and what is kept of each trial."""
    cluster: str | None = None
    """Address of a Ray cluster, for studies that say which of their trials may run side by side."""

    @cached_property
    def project(self) -> DvcProject:
        """The project in the working folder; InputError or EnvironmentFault if there is none."""
        return DvcProject(Path.cwd(), self.report / "study.log")

    @cached_property
    def protocol(self) -> OksProtocol:
        """How the study scores networks: by the sigmas of the project's params, as its experiments do."""
        return load_protocol(self.project.root / PARAMS_NAME)

    @abstractmethod
    def prepare(self) -> None:
        """Bring what all trials read up to date, once."""

    @abstractmethod
    def trials(self) -> Sequence[TrialT]:
        """All trials, in the order in which they are run."""

    @abstractmethod
    def known(self, trial: TrialT) -> OutcomeT | None:
        """The outcome that an earlier call kept; None if the trial has to be run."""

    @abstractmethod
    def outcome(self, trial: TrialT) -> OutcomeT:
        """Run the trial, and keep its outcome where `known` finds it."""

    @abstractmethod
    def write(self, known: Mapping[TrialT, OutcomeT]) -> None:
        """Write the page and the plot of the trials known so far."""

    def run(self) -> None:
        """Run the trials that have no outcome yet, and write the page after each of them.

        Raises:
            InputError: a trial fails, or lacks what it needs.
            EnvironmentFault: the working folder is not a git and DVC project, or another process works on `report`.
        """
        self.prepare()
        with one_at_a_time(self.report):
            self._run_missing()

    def _run_missing(self) -> None:
        trials = self.trials()
        outcomes = {trial: outcome for trial in trials if (outcome := self.known(trial)) is not None}
        say(f"{self.command}: {len(outcomes)} of {len(trials)} {self.unit}s are known")
        self.write(outcomes)
        missing = [trial for trial in trials if trial not in outcomes]
        if self.cluster is not None:
            self._run_on(self.cluster, missing, outcomes)
        else:
            for trial in track(missing, self.command.replace("-", " "), unit=self.unit):
                outcomes[trial] = self.outcome(trial)
                self.write(outcomes)
        pages = [self.report / f"{self.page_name}{kind}" for kind in (".md", ".png")]
        say(f"{self.command}: wrote {' and '.join(str(page) for page in pages if page.exists())}")

    def side_by_side(self, missing: Sequence[TrialT]) -> Iterable[Sequence[TrialT]]:
        """The trials that are missing, parted so that none waits for another one of its part. By default one by one:
        experiments of DVC take turns, since they share the checkout's locks and its lock file.
        """
        return [[trial] for trial in missing]

    def _run_on(self, cluster: str, missing: Sequence[TrialT], outcomes: dict[TrialT, OutcomeT]) -> None:
        """Run trials on a cluster, with as many threads as here: a fit's last bits depend on their number."""
        for part in self.side_by_side(missing):

            def keep(index: int, outcome: OutcomeT, part: Sequence[TrialT] = part) -> None:
                outcomes[part[index]] = outcome
                self.write(outcomes)

            name = self.command.replace("-", " ")
            threads = torch_threads()
            parallel_map(
                self.outcome, part, description=name, unit=self.unit, threads=threads, cluster=cluster, each=keep
            )

    def experiment(
        self, name: str, params: Mapping[str, str], stage: str, *, copied: Sequence[Path] = (), alone: bool = False
    ) -> str:
        """Revision of the experiment `name`, which is run if it does not exist; see `DvcProject.run_experiment`."""
        if name not in self.project.experiments():
            self.project.run_experiment(name, params, stage, copied=copied, alone=alone)
        return self.project.experiments()[name]

    def record_file(self, name: str) -> Path:
        """Where the outcome of the trial with this name is kept."""
        return self.report / "runs" / f"{name}.json"

    def scratch(self, name: str) -> AbstractContextManager[Path]:
        """An empty folder for what is fetched of an experiment and read at once; see `scratch_folder`."""
        return scratch_folder(self.report / f".{name}.partial")
