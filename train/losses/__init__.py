"""Losses of keypoint networks, and their weighted sum as params.yaml states it.

Read `table.py`, then `distribution.py`, `position.py` and `distillation.py`. Adding a loss: a function of a `Head`'s
answer and the labels, with its source, and a line in `table.py`.
"""
