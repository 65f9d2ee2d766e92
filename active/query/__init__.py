"""Whom to ask people about: from people to scores, distances and, by the rules of `choice/`, images within a budget.

In reading order: `select_params.py`, `reading.py` (labelled and unlabelled people), `uncertainty.py` (how unsure the
student is, joint by joint) with `peaks.py`, `expected_loss.py` (the same in OKS that is lost), `scoring.py` (its
answers, scored), `embeddings.py` (distances between people), `lookalikes.py` (what another picture shows), `budget.py`
and `picking.py` (from people to images). Adding a score: see `uncertainty.py`; adding a strategy: see `choice/`.
"""
