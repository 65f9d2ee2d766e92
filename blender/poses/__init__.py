"""Poses: authored in `poses.yaml` or from motion capture, and how any body shape takes them.

In reading order: `library.py` (checked poses and joint jitter), `posing.py` (from a pose to bone orientations),
`bvh.py` and `motion.py` (motion capture), `blending.py` (between two poses). Adding a pose: add a line to `poses.yaml`
and look at it with ``dataengine pose-sheet``.
"""
