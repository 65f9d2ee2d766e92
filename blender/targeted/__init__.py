"""Targeted synthesis (`render --like`): the body is fitted to given people and rendered in variations.

In reading order: `params.py`, `run.py`, `requested.py` (the same for requests), `fits.py` (the fits of a file of
people), `fit.py` (gradient descent) with `view.py`, `rig.py`, `stance.py`, `starts.py`, `priors.py`, `contact.py` and
`torch_rotations.py`, then `entry.py` and `maker.py` (an image of a fit, made by a render worker, which has no torch),
`likeness.py` (whether it came out as asked) and `picture.py` (drawings of fits, to look at). Adding a term to the fit:
a function of the rig's tensors in a file of its own, weighted in `fit.py`.
"""
