"""One confidence for a person out of its joints': what a detection is ranked by in AP.

The mean over all joints drags down people who are cut by the picture, hidden or shown to a network that was never
taught some of their joints, though OKS asks nothing of joints without a label. So only taught joints count, and each
as far as it is likely to be there at all.
"""

import numpy as np
from numpy.typing import NDArray


def mean_of_taught(confidence: NDArray[np.floating], taught: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Mean (n,) of the `confidence` (n, k) of `taught` (k,) joints; of all where none was taught."""
    known = taught if taught.any() else np.ones_like(taught)
    return np.asarray(confidence[:, known].astype(np.float64).mean(axis=1))
