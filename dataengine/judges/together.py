"""All judges as one: a logistic regression over their trusts, learned from joints that are known."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray


def learned_together(
    signs: Sequence[NDArray[np.float64]], right: Sequence[NDArray[np.bool_]]
) -> Callable[[NDArray[np.float64]], NDArray[np.float64]] | None:
    """What turns signs (..., judges), as of `table.signs_of`, into trust (...): the log odds that a joint is right.

    Learned from parts of k joints each, `signs` (k, judges) and `right` (k,). None without both kinds of joints.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    known = np.concatenate(right) if len(right) else np.empty(0, dtype=bool)
    if not known.any() or known.all():
        return None
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    model.fit(np.concatenate(signs), known)

    def trust(of: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(model.decision_function(of.reshape(-1, of.shape[-1])).reshape(of.shape[:-1]))

    return trust
