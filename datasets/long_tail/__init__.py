"""The long tail of poses: clusters of the training people, and how often the rare ones are repeated.

In reading order: `clusters.py` (fitting them), `repeat_factors.py` (how often to repeat), `balance_file.py` (the result
on disk), `clusters_picture.py`. Adding a measure of rarity: a column of `balance_file.py` that `mix` and `select` can
read.
"""
