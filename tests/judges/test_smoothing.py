"""Smoothers against the least-squares problem that they solve, at uneven times."""

import numpy as np
import pytest

from dataengine.judges.smoothing import best_smoothed, one_euro, smoothed

TIMES = np.array([0.0, 0.1, 0.15, 0.4, 0.5, 0.62, 0.7, 1.0])
MOTION = 3.0


def by_least_squares(times: np.ndarray, observed: np.ndarray, noise: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions and their variances (f,) of the likeliest path: all frames solved at once, with the dense inverse."""
    frames = len(times)
    information, right = np.zeros((2 * frames, 2 * frames)), np.zeros(2 * frames)
    information[1, 1] += 1 / 1e3
    for at in range(frames):
        information[2 * at, 2 * at] += 1 / noise[at]
        right[2 * at] += observed[at] / noise[at]
        if at:
            step = times[at] - times[at - 1]
            F = np.array([[1, step], [0, 1]])
            Q = MOTION * np.array([[step**3 / 3, step**2 / 2], [step**2 / 2, step]])
            J = np.concatenate([-F, np.eye(2)], axis=1)
            block = slice(2 * at - 2, 2 * at + 2)
            information[block, block] += J.T @ np.linalg.inv(Q) @ J
    variance = np.linalg.inv(information)
    return (variance @ right)[::2], np.diag(variance)[::2]


def test_the_smoother_is_the_likeliest_path() -> None:
    rng = np.random.default_rng(0)
    observed = np.cumsum(rng.normal(0, 0.2, (len(TIMES), 3)), axis=0)
    noise = rng.uniform(0.001, 0.1, observed.shape)
    found = smoothed(TIMES, observed, noise, MOTION)
    for column in range(3):
        position, variance = by_least_squares(TIMES, observed[:, column], noise[:, column])
        np.testing.assert_allclose(found.position[:, column], position, rtol=1e-6, atol=1e-8)
        np.testing.assert_allclose(found.variance[:, column], variance, rtol=1e-5)


def test_its_likelihood_is_that_of_a_gaussian() -> None:
    """With the first observation given, the others are jointly normal."""
    rng = np.random.default_rng(1)
    times, noise = TIMES[:4], np.full((4, 1), 0.05)
    observed = rng.normal(0, 1, (4, 1))
    F = [np.array([[1, step], [0, 1]]) for step in np.diff(times)]
    Q = [MOTION * np.array([[s**3 / 3, s**2 / 2], [s**2 / 2, s]]) for s in np.diff(times)]
    maps = [np.eye(2)]
    for each in F:
        maps.append(each @ maps[-1])
    start = np.diag([noise[0, 0], 1e3])
    covariance = np.zeros((3, 3))
    for i in range(1, 4):
        for j in range(1, 4):
            total = maps[i] @ start @ maps[j].T
            for k in range(min(i, j)):
                to_i = maps[i] @ np.linalg.inv(maps[k + 1])
                to_j = maps[j] @ np.linalg.inv(maps[k + 1])
                total = total + to_i @ Q[k] @ to_j.T
            covariance[i - 1, j - 1] = total[0, 0] + (noise[i, 0] if i == j else 0)
    off = observed[1:, 0] - observed[0, 0]
    expected = -0.5 * (off @ np.linalg.solve(covariance, off) + np.linalg.slogdet(2 * np.pi * covariance)[1])
    assert smoothed(times, observed, noise, MOTION).log_likelihood == pytest.approx(expected, rel=1e-9)


def test_an_outlier_is_far_from_the_smoothed_path() -> None:
    times = np.arange(40) / 25
    observed = np.stack([times, np.sin(3 * times)], axis=1)
    observed[20] += 0.5
    found = best_smoothed(times, observed, np.full(observed.shape, 0.02**2))
    residual = np.abs(observed - found.position)
    assert (residual.argmax(axis=0) == 20).all()
    trusting = np.full(observed.shape, 0.02**2)
    trusting[20] = 1.0
    assert (np.abs(best_smoothed(times, observed, trusting).position - observed)[20] > 0.45).all()


def test_one_euro_is_its_authors_formula() -> None:
    """One series, written out as in their pseudocode."""
    rng = np.random.default_rng(2)
    observed = np.cumsum(rng.normal(0, 0.1, len(TIMES)))

    def alpha(cutoff: float, step: float) -> float:
        return 1 / (1 + (1 / (2 * np.pi * cutoff)) / step)

    value, speed, expected = observed[0], 0.0, [observed[0]]
    for at in range(1, len(TIMES)):
        step = TIMES[at] - TIMES[at - 1]
        a = alpha(1.0, step)
        speed = a * (observed[at] - value) / step + (1 - a) * speed
        a = alpha(1.0 + 0.7 * abs(speed), step)
        value = a * observed[at] + (1 - a) * value
        expected.append(value)
    np.testing.assert_allclose(one_euro(TIMES, observed[:, None])[:, 0], expected)
