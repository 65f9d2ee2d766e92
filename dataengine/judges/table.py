"""Every judge's trust in every joint of a teacher, person by person along a film.

The higher, the better; the scales differ, so only ranks may be compared. Distances are in sizes of the person, by its
median over the film, and relative to how wide OKS takes the joint to be.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dataengine.keypoints import COCO_SIGMAS

from .answers import TeacherAnswers
from .smoothing import best_smoothed, one_euro

CONFIDENCE, TEACHERS, FLIP, VIEWS = "confidence", "second teacher", "flip", "views"
JUMP, ONE_EURO, KALMAN, ENSEMBLE = "jump", "One-Euro", "Kalman smoother", "ensemble Kalman smoother"
CAMERAS, LIFTED, TOGETHER = "other cameras", "lifted pose", "all together, learned"
NOISE = 0.02  # standard deviation of an observation, in sizes of the person
Smooth = Callable[[NDArray[np.float64]], NDArray[np.float64]]
LEAST_NOISE = 0.005  # an ensemble may agree by chance
WIDTHS = COCO_SIGMAS / COCO_SIGMAS.mean()
"""(17,) OKS forgives a hip what it does not forgive an eye, and so does a distance that is to say what is wrong."""
SOFTENED = 0.01  # sizes below which differences say nothing


@dataclass(frozen=True, eq=False)
class JudgedTrack:
    """One person over f frames of a film."""

    time_s: NDArray[np.float64]  # (f,) growing
    size_px: float
    answers: Mapping[str, TeacherAnswers]
    """By teacher, of these frames."""
    camera_error_px: Mapping[str, NDArray[np.float64]]
    """By teacher (f, 17): the distance from where the other cameras see the joint, in its own pixels; may be empty."""
    lifted_error: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    """By teacher (f, 17): the distance from where its pose, lifted to space, projects to; empty without a lifter."""


def trust_of(track: JudgedTrack, teacher: str) -> dict[str, NDArray[np.float64]]:
    """Judge -> its trust (f, 17) in that teacher's joints."""
    own, size = track.answers[teacher], track.size_px
    points = own.points_px / size
    others = [answers for name, answers in track.answers.items() if name != teacher]
    trust = {
        CONFIDENCE: own.confidence,
        FLIP: -_apart(points, own.mirrored_px / size),
        VIEWS: -_spread(own.views_px / size),
        JUMP: -_jump(track.time_s, points),
        ONE_EURO: -_apart(points, _per_axis(points, lambda series: one_euro(track.time_s, series))),
        KALMAN: -_apart(points, _per_axis(points, lambda series: _kalman(track.time_s, series))),
        ENSEMBLE: -_apart(points, _ensemble_smoothed(track)),
    }
    if others:
        trust[TEACHERS] = -np.mean([_apart(points, other.points_px / size) for other in others], axis=0)
    if teacher in track.lifted_error:
        trust[LIFTED] = -track.lifted_error[teacher]
    if teacher in track.camera_error_px:
        trust[CAMERAS] = -track.camera_error_px[teacher]
    return {name: each if name == CONFIDENCE else each / WIDTHS for name, each in trust.items()}


def signs_of(trust: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """The judges' trusts as numbers (f, 17, judges) for a regression: logarithms of distances, the logit of confidence.

    The cameras are left out: few films have them.
    """
    columns = []
    for name, each in trust.items():
        if name == CONFIDENCE:
            sure = np.clip(each, 1e-4, 1 - 1e-4)
            columns.append(np.log(sure / (1 - sure)))
        elif name != CAMERAS:
            columns.append(-np.log(SOFTENED - each))
    return np.stack(columns, axis=-1)


def _apart(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.linalg.norm(a - b, axis=-1))


def _spread(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Root mean square distance (f, 17) of the views (v, f, 17, 2) from their median."""
    return np.asarray(np.sqrt(((points - np.median(points, axis=0)) ** 2).sum(axis=-1).mean(axis=0)))


def _jump(time_s: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance (f, 17) from the straight way between the frames before and after; 0 in the first and last frame."""
    jump = np.zeros(points.shape[:2])
    if len(points) > 2:
        share = (time_s[1:-1] - time_s[:-2]) / (time_s[2:] - time_s[:-2])
        way = points[:-2] + share[:, None, None] * (points[2:] - points[:-2])
        jump[1:-1] = _apart(points[1:-1], way)
    return jump


def _per_axis(points: NDArray[np.float64], smooth: Smooth) -> NDArray[np.float64]:
    return smooth(points.reshape(len(points), -1)).reshape(points.shape)


def _kalman(time_s: NDArray[np.float64], series: NDArray[np.float64]) -> NDArray[np.float64]:
    return best_smoothed(time_s, series, np.full(series.shape, NOISE**2)).position


def _ensemble_smoothed(track: JudgedTrack) -> NDArray[np.float64]:
    """Joints (f, 17, 2), in sizes, of the smoother over the median of all answers, trusted by their variance."""
    answers = track.answers.values()
    members = np.concatenate(
        [np.concatenate([each.points_px[None], each.mirrored_px[None], each.views_px]) for each in answers]
    )
    members = members.reshape(*members.shape[:2], -1) / track.size_px
    observed, noise = np.median(members, axis=0), members.var(axis=0) + LEAST_NOISE**2
    frames = len(track.time_s)
    return best_smoothed(track.time_s, observed, noise).position.reshape(frames, -1, 2)
