"""Keypoint networks: the table that builds them, the heads that read them, the checkpoint they live in.

In reading order: `layout.py` and `network.py` (what all share), `heads.py` with `simcc.py` and `heatmap.py`,
`table.py`, then any backbone (`residual.py`, `hrnet.py`, `efficientnet.py`, `vitpose.py`), `weights.py`, what a fit
learns of its own answers (`person_score.py`, `joint_confidence.py`), `checkpoint.py`, and `learnt_pictures.py` (what
its network has learnt from). Adding a network: a module with a subclass of `KeypointNetwork` and a line in `table.py`;
adding a head: see `heads.py`.
"""
