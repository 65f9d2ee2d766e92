"""Multi-peak entropy on distributions whose peaks are known."""

import numpy as np
import pytest

from dataengine.active.query.peaks import axes, peak_entropy

BINS = np.arange(128.0)


def bump(at: float, width: float) -> np.ndarray:
    return np.exp(-((BINS - at) ** 2) / (2 * width**2)) / width


@pytest.mark.parametrize("width", [1.0, 4.0, 30.0])
def test_one_peak_is_no_doubt_however_wide(width: float) -> None:
    assert peak_entropy(bump(50, width)[None, None]).tolist() == [[pytest.approx(0, abs=1e-9)]]


@pytest.mark.parametrize("share", [0.5, 0.2, 0.01])
def test_two_peaks_are_the_entropy_of_their_masses(share: float) -> None:
    both = share * bump(30, 3) + (1 - share) * bump(90, 6)
    expected = -share * np.log(share) - (1 - share) * np.log(1 - share)
    for scale in (1.0, 7.0):
        assert peak_entropy(scale * both) == pytest.approx(expected, abs=0.01)


def test_level_ground_peaks_at_the_ends_and_nothing() -> None:
    assert peak_entropy(np.array([4.0, 0, 0, 0, 4])) == pytest.approx(np.log(2))
    assert peak_entropy(np.array([1.0, 3, 3, 1])) == 0 and peak_entropy(np.ones(9)) == 0
    assert peak_entropy(np.zeros((2, 3, 5))).tolist() == np.zeros((2, 3)).tolist()


def test_a_heatmap_is_read_by_columns_and_rows() -> None:
    one, two = bump(20, 2)[:64], bump(20, 2)[:64] + bump(50, 2)[:64]
    (columns, rows) = axes((np.outer(one, two)[None, None],))
    assert peak_entropy(columns) == pytest.approx(np.log(2), abs=1e-3) and peak_entropy(rows) == 0
    noisy = np.outer(one, two)[None, None] + 0.001 * np.random.default_rng(0).random((1, 1, 64, 64))
    assert peak_entropy(axes((noisy,))[1]) == pytest.approx(0, abs=0.05), "background is cut off"
    simcc = (np.zeros((1, 17, 128)), np.ones((1, 17, 96)))
    assert [part.shape for part in axes(simcc)] == [(1, 17, 128), (1, 17, 96)]
