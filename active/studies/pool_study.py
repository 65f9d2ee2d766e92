"""What studies on one labelled pool have in common: rounds that have a name each and are kept in files."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from dataengine.errors import InputError
from dataengine.studies.params_study import ParamsStudy

from .sets import StudySets

TrialT = TypeVar("TrialT", bound=Hashable)
OutcomeT = TypeVar("OutcomeT")


class PoolPlan(Protocol[TrialT]):
    """Rounds on a pool: some images have labels at first, and each round labels more."""

    @property
    def start(self) -> int:
        """Images with labels at first."""

    @property
    def step(self) -> int:
        """Images that are labelled in a round."""

    @property
    def rounds(self) -> int:
        """Rounds after the first fit."""

    def trials(self) -> list[TrialT]:
        """All rounds, in the order in which they are played."""

    def name(self, trial: TrialT, decides: object) -> str:
        """Name of a round, in which all that decides its result has a part."""


@dataclass(frozen=True, kw_only=True)
class PoolStudy(ParamsStudy[TrialT, OutcomeT]):
    """A plan on one labelled pool. Adding a study: its outcome's kind, `outcome`, `write` and `_decides`."""

    unit = "round"

    plan: PoolPlan[TrialT]
    sets: StudySets

    @property
    @abstractmethod
    def _decides(self) -> list[Any]:
        """What decides a result apart from the plan."""

    def prepare(self) -> None:
        """Nothing: the sets are read.

        Raises:
            InputError: the pool is too small for the plan.
        """
        images = len(set(self.sets.pool.keys.tolist()))
        most = self.plan.start + self.plan.rounds * self.plan.step
        if images < most:
            fix = "lower --start, --step or --rounds"
            raise InputError("the pool is too small", expected=f"{most} or more", got=f"{images} images", fix=fix)

    def trials(self) -> Sequence[TrialT]:
        """All rounds of the plan."""
        return self.plan.trials()

    def name(self, trial: TrialT) -> str:
        """Name of a round: another one where anything that decides its result has changed."""
        return self.plan.name(trial, self._decides)
