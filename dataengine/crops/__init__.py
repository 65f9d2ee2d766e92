"""From a person's box to the network's input.

`spec.py` says which part of the image the network sees, `pixels.py` cuts it out and normalises it; `training/` makes
augmented samples of it. Only fits use `training/`.
"""
