"""From a person's box to the network's input: the affine, the pixels, the augmentation, the loader."""
