"""The long tail of poses: clusters of the training people, how often the rare ones are repeated, and what is known.

In reading order: `clusters.py` (fitting them), `repeat_factors.py` (how often to repeat), `known.py` (the poses that
rarity is measured against), `balance_file.py` (the result on disk), `clusters_picture.py`.
"""
