"""Clips: people in motion in front of a moving camera, frame by frame, with track ids.

In reading order: `spec.py` (what happens, as plain values), `layout.py` (the geometry of a moment), `maker.py` (one
frame in a worker). Adding a kind of motion: a field of `spec.py` drawn from the clip's generator, used in `layout.py`.
"""
