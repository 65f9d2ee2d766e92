"""Evaluation of poses: OKS average precision, what it is made of, and how sure it is.

`ap/` computes AP, `analysis/` says how sure it is and what costs it. Here are the distances, `pck.py` and `mpjpe.py`,
`figures.py`, the figures that fits, exports and studies report of a network, and `own_sigmas.py`, the sigmas that a
project's own labels ask for. Adding a metric: a plain function over
`People` and predictions in a file of its own, with its source, tested against an independent implementation.

For your own evaluations, called by no stage: `analysis.bootstrap.interval_of` (the gate resamples two models together)
and `pck.pckh` (for sets that label head sizes, as MPII does).
"""
