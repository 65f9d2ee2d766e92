"""How likely every pose is to be drawn, from every side: as authored, times a power of its rarity.

Rarity only shifts weight between poses that bodies can take: those of poses.yaml and of motion capture, whose supports
and collisions are checked when they are set on the floor. It is a share, at most 1: a pose twice as far from all that
real people show as another novel one is hardly more likely. A search for the farthest pose would find broken ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError

from ..poses.library import MOTION_FAMILY, Pose
from .params import RenderParams

VIEWS = 12  # sides from which a pose is looked at, evenly around
VIEW_RAD = 2 * np.pi / VIEWS
LEAST_RARITY = 0.01  # so that no pose is ruled out
# Most people half face the camera, and some turn their backs: the spread of turns and cameras drawn without rarity.
_FACING_SHARE, _FACING_RAD = 0.7, 0.9


@dataclass(frozen=True)
class ViewRarity:
    """How rare poses are among known ones, each from `VIEWS` sides: view v is turned by `view_turns()[v]`."""

    of_pose: tuple[tuple[float, ...], ...]
    """0 to 1, in the order of the poses that are drawn from."""


class PoseOdds:
    """The probability of every pose and view, ready to draw from."""

    def __init__(self, params: RenderParams, poses: Sequence[Pose], rarity: ViewRarity) -> None:
        table = np.array(rarity.of_pose, dtype=np.float64)
        if table.shape != (len(poses), VIEWS):
            raise InputError("the rarity of views is not that of these poses", expected=f"({len(poses)}, {VIEWS})")
        by_rarity = np.maximum(table, LEAST_RARITY) ** params.rarity_power
        weight = pose_prior(params, poses)[:, None] * view_prior() * by_rarity
        self.probability: NDArray[np.float64] = weight / weight.sum()
        """(poses, VIEWS)."""
        self._up_to = np.cumsum(self.probability)

    def draw(self, rng: np.random.Generator) -> tuple[int, float]:
        """Row of a pose, and its turn towards the camera about the vertical, radians; 0 faces the camera."""
        cell = int(np.searchsorted(self._up_to, rng.random() * self._up_to[-1], side="right"))
        row, view = divmod(min(cell, self._up_to.size - 1), VIEWS)  # a product may round up to the last bound
        return row, float(view_turns()[view] + rng.uniform(-0.5, 0.5) * VIEW_RAD)


def view_turns() -> NDArray[np.float64]:
    """Turns (VIEWS,) about the vertical, radians: the middle of each view, from behind over the front to behind."""
    return np.linspace(-np.pi, np.pi, VIEWS, endpoint=False)


def view_prior() -> NDArray[np.float64]:
    """Probability (VIEWS,) of each view where rarity does not count."""
    facing = np.exp(-0.5 * (view_turns() / _FACING_RAD) ** 2)
    return np.asarray(_FACING_SHARE * facing / facing.sum() + (1 - _FACING_SHARE) / VIEWS)


def pose_prior(params: RenderParams, poses: Sequence[Pose]) -> NDArray[np.float64]:
    """Probability (poses,) where rarity does not count: `motion_share` and `extreme_share`, alike within each kind."""
    captured = np.array([pose.family == MOTION_FAMILY for pose in poses])
    extreme = np.array([pose.extreme for pose in poses]) & ~captured
    authored = 1 - params.motion_share
    kinds = (
        (captured, params.motion_share),
        (extreme, authored * params.extreme_share),
        (~captured & ~extreme, authored * (1 - params.extreme_share)),
    )
    prior = np.zeros(len(poses))
    for kind, share in kinds:
        prior[kind] = share / max(kind.sum(), 1)
    if not prior.any():  # the only kind that is wanted has no pose
        prior[~captured] = 1.0
    return prior / prior.sum()
