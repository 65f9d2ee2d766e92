"""Smoothers of tracks: where a joint would be if it moved as bodies do.

- `one_euro`: Casiez, Roussel, Vogel, "1 Euro Filter", CHI 2012: a low-pass filter whose cutoff grows with the speed.
- `smoothed`: a Kalman filter with constant velocity, and the Rauch-Tung-Striebel smoother over it (Bar-Shalom, Li,
  Kirubarajan, "Estimation with Applications to Tracking and Navigation", 2001, 6.2 and 8.6). The noise of each
  observation may differ: with an ensemble's variance it is the ensemble Kalman smoother of Biderman et al., "Lightning
  Pose", Nature Methods 2024.

Frames need not be evenly spaced. Series are columns: m of them are smoothed at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MIN_CUTOFF_HZ, SLOPE, SPEED_CUTOFF_HZ = 1.0, 0.7, 1.0
MOTIONS = tuple(10.0**power for power in np.arange(-2.0, 4.1, 0.5))
VAGUE = 1e3  # variance of a speed of which nothing is known


@dataclass(frozen=True, eq=False)
class Smoothed:
    """m series over f frames."""

    position: NDArray[np.float64]  # (f, m)
    variance: NDArray[np.float64]  # (f, m) of it
    log_likelihood: float
    """Log density of all observations given those before; the first of each series is left out."""


def one_euro(time_s: NDArray[np.float64], observed: NDArray[np.float64]) -> NDArray[np.float64]:
    """The filter's output (f, m) for series (f, m), in units of a person's size."""
    out, speed = observed.astype(np.float64).copy(), np.zeros(observed.shape[1])
    for at in range(1, len(observed)):
        step = time_s[at] - time_s[at - 1]
        now = (observed[at] - out[at - 1]) / step
        share = _share(np.full_like(now, SPEED_CUTOFF_HZ), step)
        speed = share * now + (1 - share) * speed
        share = _share(MIN_CUTOFF_HZ + SLOPE * np.abs(speed), step)
        out[at] = share * observed[at] + (1 - share) * out[at - 1]
    return out


def _share(cutoff_hz: NDArray[np.float64], step_s: float) -> NDArray[np.float64]:
    return 1 / (1 + 1 / (2 * np.pi * cutoff_hz * step_s))


def smoothed(
    time_s: NDArray[np.float64], observed: NDArray[np.float64], noise: NDArray[np.float64], motion: float
) -> Smoothed:
    """Series `observed` (f, m) with observation variances `noise` (f, m), at growing times (f,).

    `motion` is the spectral density of the acceleration, in squared units a cubic second.
    """
    frames, m = observed.shape
    before = np.empty((frames, 2, m)), np.empty((frames, 2, 2, m))
    after = np.empty((frames, 2, m)), np.empty((frames, 2, 2, m))
    likelihood = 0.0
    for at in range(frames):
        if at == 0:
            x, P = np.stack([observed[0], np.zeros(m)]), np.zeros((2, 2, m))
            P[0, 0], P[1, 1] = noise[0], VAGUE
            before[0][0], before[1][0], after[0][0], after[1][0] = x, P, x, P
            continue
        F, Q = _step(time_s[at] - time_s[at - 1], motion)
        x = np.einsum("ij,jm->im", F, after[0][at - 1])
        P = np.einsum("ij,jkm,lk->ilm", F, after[1][at - 1], F) + Q[..., None]
        before[0][at], before[1][at] = x, P
        innovation, variance = observed[at] - x[0], P[0, 0] + noise[at]
        likelihood += float((-0.5 * (innovation**2 / variance + np.log(2 * np.pi * variance))).sum())
        gain = P[:, 0] / variance
        after[0][at] = x + gain * innovation
        after[1][at] = P - gain[:, None] * P[None, 0]
    state, spread = after[0].copy(), after[1].copy()
    for at in range(frames - 2, -1, -1):
        F, _ = _step(time_s[at + 1] - time_s[at], motion)
        ahead = before[1][at + 1]
        inverse = np.stack([np.stack([ahead[1, 1], -ahead[0, 1]]), np.stack([-ahead[1, 0], ahead[0, 0]])])
        inverse = inverse / (ahead[0, 0] * ahead[1, 1] - ahead[0, 1] * ahead[1, 0])
        back = np.einsum("ijm,kj,klm->ilm", after[1][at], F, inverse)
        state[at] = after[0][at] + np.einsum("ijm,jm->im", back, state[at + 1] - before[0][at + 1])
        spread[at] = after[1][at] + np.einsum("ijm,jkm,lkm->ilm", back, spread[at + 1] - ahead, back)
    return Smoothed(state[:, 0], spread[:, 0, 0], likelihood)


def best_smoothed(
    time_s: NDArray[np.float64],
    observed: NDArray[np.float64],
    noise: NDArray[np.float64],
    motions: Sequence[float] = MOTIONS,
) -> Smoothed:
    """`smoothed` with the motion under which the observations are likeliest; no label takes part."""
    return max((smoothed(time_s, observed, noise, motion) for motion in motions), key=lambda each: each.log_likelihood)


def _step(step_s: float, motion: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Transition (2, 2) and the noise (2, 2) of a white acceleration over `step_s`."""
    F = np.array([[1.0, step_s], [0.0, 1.0]])
    Q = motion * np.array([[step_s**3 / 3, step_s**2 / 2], [step_s**2 / 2, step_s]])
    return F, Q
