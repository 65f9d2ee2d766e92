"""Evaluation of poses: OKS average precision, what it is made of, and how sure it is.

`poses` holds people and detections as arrays, `protocol` how a set is scored; `matching` pairs them once, `oks` sums up
the COCO figures; `image_clusters` says which images are independent, `bootstrap` gives intervals, `slices` parts of the
set, `breakdown` the errors, `calibration` what confidence is worth. `pck` and `mpjpe` measure distances instead, and
`simulation` makes models of known difference to test the intervals on.

For your own evaluations, called by no stage: `bootstrap.interval_of` (the gate resamples two models together),
`pck.pckh` (for sets that label head sizes, as MPII does) and `mpjpe` (for poses in space).
"""
