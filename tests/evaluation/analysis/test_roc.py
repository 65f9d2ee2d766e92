"""The area under the ROC curve is scikit-learn's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from dataengine.evaluation.analysis.roc import auroc


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=40))
def test_auroc_is_scikit_learns(pairs: list[tuple[int, bool]]) -> None:
    trust, right = np.array([t for t, _ in pairs], dtype=float), np.array([r for _, r in pairs])
    if right.all() or not right.any():
        assert np.isnan(auroc(trust, right))
    else:
        assert auroc(trust, right) == pytest.approx(roc_auc_score(right, trust))


def test_the_area_is_that_of_scikit_learn_with_ties_and_weights() -> None:
    rng = np.random.default_rng(0)
    score, positive = rng.integers(0, 20, 300).astype(float), rng.random(300) < 0.2
    weight = rng.integers(0, 4, 300).astype(float)
    assert auroc(score, positive) == pytest.approx(roc_auc_score(positive, score))
    assert auroc(score, positive, weight) == pytest.approx(roc_auc_score(positive, score, sample_weight=weight))
    assert np.isnan(auroc(score, np.zeros(300, dtype=bool)))
