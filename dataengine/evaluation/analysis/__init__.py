"""How sure a figure is, and what it is made of.

In reading order: `image_clusters.py` (which images are independent), `interval.py`, `resampled.py` and `bootstrap.py`
(intervals), `slices.py` and `slice_builders.py` (parts of a set), `joint_errors.py`, `breakdown.py` and
`breakdown_figure.py` (what costs AP), `calibration.py` (what confidence is worth), `simulation.py` (models of known
difference to test intervals on). Adding a kind of slice: a builder in `slice_builders.py`.
"""
