"""The body fitted to labelled joints by gradient descent: pose, proportions, place and camera of many people at once.

Which way a limb points in depth cannot be seen in two dimensions: joint limits and nearness to an authored pose settle
it. Each person is fitted from several starts (`starts.py`), and the best result counts; then the linear shape space is
replaced by the exact body, and the fit continues for a few steps.
"""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..body.model import BodyModel
from ..poses.library import Pose
from ..poses.posing import solve_orientations
from .contact import overlap
from .priors import JointLimits, distance
from .rig import SHAPE_RANGE, Rig, ShapeSpace, Stance, phenotype_of, phenotypes_at
from .stance import pose_of
from .starts import FOCAL_MM, PoseBank, Starts
from .torch_rotations import from_6d, to_6d
from .view import Targets, View

_EACH = 2  # starts of each of the four kinds
_STEPS, _EXACT_STEPS, _RATE = 120, 40, 0.05
# Scales on which terms count 1: by eye, so that labels rule and priors settle what labels leave open.
_ERROR_SHARE = 0.02  # of the box; crowd workers differ by about this
_OUTLIER_SHARE = 0.06  # beyond this a joint pulls only in proportion to its error
_FOCAL_SPREAD = 0.3  # of the logarithm
_LIMIT_WEIGHT, _START_WEIGHT, _SHAPE_WEIGHT, _TOUCH_WEIGHT = 20.0, 0.15, 0.1, 200.0


@dataclass(frozen=True, eq=False)
class Fitted:
    """The fit of one person."""

    pose: Pose
    phenotype: dict[str, float]
    error_share: float  # mean distance of labelled joints, as a share of the box's longer side
    limit_excess: float  # sum of squared radians beyond the joint limits
    focal_mm: float
    depth_m: float
    middle: tuple[float, float]  # of the body's root off the image's middle, in shares of the frame's longer side
    middle_m: float  # height of the middle of the joints above the lowest
    overlap_m2: float  # of parts that should keep apart, see `contact.py`
    pixels: NDArray[np.float64]  # (17, 2) of the fitted joints off the image's middle


@dataclass(frozen=True, eq=False)
class _Unknowns:
    """The leaves of the fit: the tensors that gradient descent changes."""

    directions: Tensor
    spine: Tensor
    neck: Tensor
    root_6d: Tensor
    middle: Tensor
    log_depth: Tensor
    log_focal: Tensor
    shape: Tensor

    @property
    def stance(self) -> Stance:
        return Stance(self.directions, self.spine, self.neck, from_6d(self.root_6d))

    @property
    def view(self) -> View:
        return View(self.middle, self.log_depth, self.log_focal)

    def leaves(self) -> list[Tensor]:
        return [getattr(self, field.name) for field in fields(self)]

    def take(self, rows: Tensor) -> "_Unknowns":
        return _Unknowns(*(leaf.detach()[rows].clone().requires_grad_() for leaf in self.leaves()))


class Fitter:
    """Fits the body to people. Holds what all fits share: the shape space, the joint limits and the bank of poses."""

    def __init__(self, model: BodyModel, library: tuple[Pose, ...]) -> None:
        self._model = model
        self._shapes = ShapeSpace(model)
        self._limits = JointLimits.of(library)
        self._bank = PoseBank.of(library, self._shapes.at(torch.zeros(1, len(SHAPE_RANGE))))

    def joints(self, stance: Stance) -> Tensor:
        """COCO joints (n, 17, 3), metres, of the middle body."""
        return self._shapes.at(torch.zeros(1, len(SHAPE_RANGE))).joints(stance)

    def vertices_m(self, fitted: Fitted) -> NDArray[np.float64]:
        """The mesh (v, 3) of the exact body in the fitted pose."""
        phenotype = phenotype_of(fitted.phenotype)
        rest = self._model.shape(phenotype).skeleton
        return self._model.posed(phenotype, solve_orientations(fitted.pose, rest))[0]

    def fit(self, targets: Targets, names: list[str]) -> list[Fitted]:
        """The best fit to every target; `names` become the names of the fitted poses."""
        with _one_thread():
            return self._fit(targets, names)

    def _fit(self, targets: Targets, names: list[str]) -> list[Fitted]:
        starts = self._bank.nearest(targets, _EACH)
        repeated = targets.repeated(4 * _EACH)
        unknowns = _unknowns_of(starts)
        loss = self._descend(unknowns, repeated, starts.stance, lambda tried: self._shapes.at(tried.shape), _STEPS)
        best = loss.view(len(names), -1).argmin(1) + torch.arange(len(names)) * 4 * _EACH
        best_unknowns = unknowns.take(best)
        phenotypes = phenotypes_at(best_unknowns.shape.detach().numpy())
        rig = Rig.measured(self._model, [self._model.shape(phenotype_of(values)) for values in phenotypes])
        anchor = Stance(*(getattr(starts.stance, field.name)[best] for field in fields(Stance)))
        self._descend(best_unknowns, targets, anchor, lambda _: rig, _EXACT_STEPS)
        poses = [self._bank.poses[row] for row in starts.pose[best].tolist()]
        return self._read(best_unknowns, rig, targets, starts=poses, names=names, phenotypes=phenotypes)

    def _descend(
        self, unknowns: _Unknowns, targets: Targets, anchor: Stance, rig_of: Callable[[_Unknowns], Rig], steps: int
    ) -> Tensor:
        """Run `steps` of gradient descent on the leaves; returns the loss (n,) at the end."""
        optimiser = torch.optim.Adam(unknowns.leaves(), lr=_RATE)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps, eta_min=_RATE / 50)
        for _ in range(steps):
            optimiser.zero_grad()
            self._loss(unknowns, targets, anchor, rig_of(unknowns)).sum().backward()
            optimiser.step()
            schedule.step()
        with torch.no_grad():
            return self._loss(unknowns, targets, anchor, rig_of(unknowns))

    def _loss(self, unknowns: _Unknowns, targets: Targets, anchor: Stance, rig: Rig) -> Tensor:
        stance = unknowns.stance
        joints = rig.joints(stance)
        pixels = _pixels(unknowns, joints, rig, targets)
        error = targets.error_shares(pixels) / _OUTLIER_SHARE
        robust = 2 * (torch.sqrt(1 + error.square()) - 1) * (_OUTLIER_SHARE / _ERROR_SHARE) ** 2  # pseudo-Huber
        data = (targets.weights * robust).sum(1) / targets.weights.sum(1)
        shape = unknowns.shape.square() + 20 * torch.relu(unknowns.shape.abs() - 1).square()
        focal = ((unknowns.log_focal - np.log(FOCAL_MM)) / _FOCAL_SPREAD).square()
        limits = self._limits.excess(stance)
        return (
            data
            + _LIMIT_WEIGHT * limits
            + _TOUCH_WEIGHT * overlap(joints)
            + _START_WEIGHT * distance(stance, anchor)
            + _SHAPE_WEIGHT * shape.sum(1)
            + focal
        )

    def _read(
        self,
        unknowns: _Unknowns,
        rig: Rig,
        targets: Targets,
        starts: list[Pose],
        names: list[str],
        phenotypes: list[dict[str, float]],
    ) -> list[Fitted]:
        with torch.no_grad():
            stance = unknowns.stance
            joints = rig.joints(stance)
            heights = joints[..., 2]
            middles = (heights.amax(1) - heights.amin(1)) / 2
            pixels, overlaps = _pixels(unknowns, joints, rig, targets), overlap(joints)
            errors, excess = targets.mean_error(pixels), self._limits.excess(stance)
            view = View(*(leaf.detach() for leaf in (unknowns.middle, unknowns.log_depth, unknowns.log_focal)))
        return [
            Fitted(
                pose=pose_of(stance, row, starts[row], name),
                phenotype=phenotypes[row],
                error_share=float(errors[row]),
                limit_excess=float(excess[row]),
                focal_mm=float(view.log_focal[row].exp()),
                depth_m=float(view.log_depth[row].exp()),
                middle=(float(view.middle[row, 0]), float(view.middle[row, 1])),
                middle_m=float(middles[row]),
                overlap_m2=float(overlaps[row]),
                pixels=pixels[row].double().numpy(),
            )
            for row, name in enumerate(names)
        ]


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Hundreds of small steps: on a busy machine a second thread made them five times slower (measured)."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _pixels(unknowns: _Unknowns, joints: Tensor, rig: Rig, targets: Targets) -> Tensor:
    return unknowns.view.pixels(joints - rig.heads_m[:, :1], targets.frame_px)


def _unknowns_of(starts: Starts) -> _Unknowns:
    stance, view = starts.stance, starts.view
    shape = torch.zeros(len(starts.pose), len(SHAPE_RANGE))
    leaves = (stance.directions, stance.spine, stance.neck, to_6d(stance.root))
    made = (*leaves, view.middle, view.log_depth, view.log_focal, shape)
    return _Unknowns(*(leaf.detach().clone().requires_grad_() for leaf in made))
