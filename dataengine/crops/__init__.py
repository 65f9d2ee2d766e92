"""From a person's box to the network's input: the affine, the pixels, the augmentation, the loader.

In reading order: `spec.py` (which part of the image), `pixels.py` and `decode.py` (pictures to crops); then, for
training alone, `samples.py` (a sample from its row and seed) with `augment.py`, `photometric.py`, `occlusion.py`,
`backgrounds.py`, and `patch.py`, `patch_source.py`, `patch_store.py` and `loader.py`, which keep it fast. Adding an
augmentation: a field of `AugmentParams` and its place in `samples.py`, drawn from the sample's own generator.
"""
