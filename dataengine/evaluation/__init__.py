"""Evaluation of poses: OKS average precision, what it is made of, and how sure it is.

`poses` holds people and detections as arrays, `protocol` how a set is scored; `matching` pairs them once, `oks` sums up
the COCO figures; `image_clusters` says which images are independent, `bootstrap` gives intervals, `slices` parts of the
set, `breakdown` the errors, `calibration` what confidence is worth. `pck` and `mpjpe` measure distances instead, and
`simulation` makes models of known difference to test the intervals on.
"""
