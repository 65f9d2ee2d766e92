"""What picks cover of a pool, in the loop that Uncertainty Herding spends its time in.

With k the kernel, u the weights and S what is labelled or picked, the coverage is sum_i u_i max_{j in S} k(i, j). The
gain of a candidate is what it would add. A pick changes the gains through those rows alone that it covers better than
everything before, so the gains are kept and corrected by those rows. On average that is one row in t after t picks:
n picks of m rows take about m^2 (1 + ln n) steps instead of m^2 n, and the sums are still those of the definition.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True)
def add_gains(
    kernel: NDArray[np.float32],  # (m, m) symmetric, 0..1
    weight: NDArray[np.float64],  # (m,)
    covered: NDArray[np.float32],  # (m,) how well each row is covered
    gain: NDArray[np.float64],  # (m,) what each row would add; is added to
) -> None:
    """The gains by their definition, sum_i u_i max(k(i, c) - covered_i, 0), row by row in their order."""
    for i in range(len(weight)):
        for c in range(len(gain)):
            gain[c] += weight[i] * max(np.float64(kernel[i, c]) - covered[i], 0.0)


@njit(cache=True, nogil=True)
def cover(
    kernel: NDArray[np.float32],  # (m, m)
    weight: NDArray[np.float64],  # (m,)
    covered: NDArray[np.float32],  # (m,) is raised to what it is with the pick
    gain: NDArray[np.float64],  # (m,) is corrected
    pick: int,
) -> None:
    """Take the row `pick`: raise `covered`, and take from every gain what is covered now."""
    for i in range(len(weight)):
        before, after = np.float64(covered[i]), np.float64(kernel[pick, i])
        if after > before:
            for c in range(len(gain)):
                gain[c] -= weight[i] * max(min(np.float64(kernel[i, c]), after) - before, 0.0)
            covered[i] = kernel[pick, i]
