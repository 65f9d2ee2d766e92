"""Evaluation of poses: OKS average precision, what it is made of, and how sure it is.

`poses` holds people and detections as arrays, `protocol` how a set is scored; `matching` pairs them once, `oks` sums up
the COCO figures, `bootstrap` gives intervals, `slices` parts of the set, `breakdown` the errors, `calibration` what
confidence is worth. `pck` and `mpjpe` measure distances instead. `simulation` and `coverage` test the intervals.
"""
