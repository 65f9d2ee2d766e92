"""How often samples of rare groups are repeated, and how even the groups are before and after."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def repeat_factors(counts: ArrayLike, threshold: float, max_repeat: float) -> NDArray[np.float64]:
    """Repeat factor (k,) of each group from its number of samples (k,): min(max_repeat, max(1, sqrt(t / f))).

    f is the group's share of all samples and t the share below which a group is repeated: the image-level repeat
    factor sampling of LVIS (Gupta, Dollar, Girshick 2019, section 5) with groups for categories, each sample in one
    group. The cap is not in the paper: it bounds how often a single sample can be drawn. An empty group gets the cap.
    """
    sizes = np.asarray(counts, dtype=np.float64)
    share = sizes / max(sizes.sum(), 1.0)
    with np.errstate(divide="ignore"):
        return np.clip(np.sqrt(threshold / share), 1.0, max_repeat)


def effective_number(weights: ArrayLike) -> float:
    """exp(entropy) of the shares that `weights` (k,) are of their sum: k when all are even, 1 when one has it all."""
    values = np.asarray(weights, dtype=np.float64)
    share = values / values.sum()
    share = share[share > 0]  # 0 log 0 is 0
    return float(np.exp(-(share * np.log(share)).sum()))
