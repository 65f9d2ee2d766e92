"""A two-sample test by groups: maximum mean discrepancy, whose null distribution comes from exchanging whole groups.

Gretton et al., "A Kernel Two-Sample Test", JMLR 2012, with a Gaussian kernel of the median distance's width, through
random Fourier features (Rahimi and Recht, NIPS 2007). Each group (a film, a still) stands for itself as the mean of its
people's features. The unbiased statistic leaves the product of a group with itself out, so that groups of one frame and
of a hundred have the same expectation. If pool and training set were drawn from the same films and pictures, every
exchange of groups between them would be as likely; the p-value is the share of exchanges that are at least as far apart
as what was found.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
FEATURES = 256
EXCHANGES = 999
_PAIRED = 1000  # people whose distances the kernel's width is taken from


@dataclass(frozen=True)
class TwoSample:
    """The outcome of a test."""

    statistic: float
    """Squared discrepancy; around 0 where there is none."""
    p_value: float
    first: int
    """Groups of the first sample, and of the second."""
    second: int


class KernelFeatures:
    """Features whose products are the kernel's values, fitted to one set of people and applied to any."""

    def __init__(self, values: Floats, seed: int) -> None:
        from scipy.spatial.distance import pdist
        from sklearn.kernel_approximation import RBFSampler  # takes a second to import

        rng = np.random.default_rng(seed)
        some = values if len(values) <= _PAIRED else values[rng.choice(len(values), _PAIRED, replace=False)]
        distances = pdist(some)
        width = float(np.median(distances[distances > 0])) if (distances > 0).any() else 1.0
        self._sampler = RBFSampler(gamma=1 / (2 * width**2), n_components=FEATURES, random_state=seed).fit(values[:1])

    def of(self, values: Floats) -> NDArray[np.float64]:
        """Features (n, FEATURES) of people (n, d)."""
        return np.asarray(self._sampler.transform(values))


def compare_groups(
    first: Floats, second: Floats, rng: np.random.Generator, *, exchanges: int = EXCHANGES
) -> TwoSample | None:
    """Test groups whose mean features are (a, f) and (b, f); None with fewer than two of either."""
    a, b = len(first), len(second)
    if min(a, b) < 2:
        return None
    features = np.concatenate([first, second])
    own = np.einsum("kf,kf->k", features, features)
    found = float(_discrepancies(features, own, np.arange(a + b)[None] >= a)[0])
    drawn = rng.permuted(np.tile(np.arange(a + b) >= a, (exchanges, 1)), axis=1)
    others = _discrepancies(features, own, drawn)
    reached = int(np.count_nonzero(others >= found - 1e-12))
    return TwoSample(found, (1 + reached) / (1 + exchanges), a, b)


def _discrepancies(features: Floats, own: Floats, is_second: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Unbiased squared discrepancy (e,) for each split `is_second` (e, k) of groups with features (k, f).

    `own` (k,) is each group's product with itself.
    """
    split = is_second.astype(np.float64)
    b = split.sum(axis=1)
    a = split.shape[1] - b
    of_second, of_all, all_own = split @ features, features.sum(axis=0), own.sum()
    of_first, own_second = of_all - of_second, split @ own
    within_first = ((of_first**2).sum(axis=1) - (all_own - own_second)) / (a * (a - 1))
    within_second = ((of_second**2).sum(axis=1) - own_second) / (b * (b - 1))
    return np.asarray(within_first + within_second - 2 * np.einsum("ef,ef->e", of_first, of_second) / (a * b))
