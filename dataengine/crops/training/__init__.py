"""Augmented training samples, and the loader that keeps training supplied.

In reading order: `samples.py` (a sample from its row and seed) with `augment.py`, `photometric.py`, `occlusion.py` and
`backgrounds.py`; `patch.py`, `patch_source.py` and `patch_store.py` (as few pixels decoded as a sample needs, and
once); `loader.py` (batches made in threads). Adding an augmentation: a field of `AugmentParams` and
its place in `samples.py`, drawn from the sample's own generator.
"""
