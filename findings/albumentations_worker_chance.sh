#!/usr/bin/env bash
# albumentations 2.0.8 with torch 2.13.0: the workers of a DataLoader draw the same augmentations, and the same in each
#   epoch.
#
# Expected: PyTorch gives each worker a seed of its own, in each epoch another one, and has seeded Python's and NumPy's
#   chance with it for years; so a Compose without `seed` ("random results") draws something else for each sample.
# Seen: Compose has generators of its own that no such seed reaches, and each worker starts with a copy of them. Of 240
#   samples in three epochs, 240 get rotations of their own without workers. With four workers there are 20 rotations,
#   each of them for 12 samples: the workers draw alike, and are copied again for each epoch. With persistent_workers
#   they go on drawing, but alike: 60. A seed changes nothing in this. With a worker_init_fn that calls set_random_seed
#   of the transform with the worker's seed there are 240.
# Why it matters: 2.0.8 is the last release under the MIT licence, so it stays in use. An augmentation of which one
#   twelfth is left overfits as a weak one does; nothing fails, pictures look augmented, and with workers=0, where one
#   looks for such things, all is well.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check --no-compile \
    torch==2.13.0 albumentations==2.0.8 albucore==0.0.24 opencv-python-headless==4.11.0.86 numpy==2.2.6
export NO_ALBUMENTATIONS_UPDATE=1

cat >"$work/measure.py" <<'PY'
import warnings
from collections import Counter

import albumentations as A
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, get_worker_info

warnings.simplefilter("ignore")
SAMPLES, EPOCHS, BATCH = 80, 3, 4
BLANK = np.zeros((64, 64, 3), np.uint8)


class People(Dataset):
    """Where a wrist at (50, 30) lies after the augmentation that its sample gets."""

    def __init__(self, seed):
        points = A.KeypointParams("xy", remove_invisible=False)
        self.augment = A.Compose([A.Affine(rotate=(-40, 40), p=1)], keypoint_params=points, seed=seed)

    def __len__(self):
        return SAMPLES

    def __getitem__(self, row):
        return np.asarray(self.augment(image=BLANK, keypoints=[(50.0, 30.0)])["keypoints"], float)[0]


def own_chance(_):
    worker = get_worker_info()
    worker.dataset.augment.set_random_seed(worker.seed % 2**32)


def drawn(seed=None, **loading):
    torch.manual_seed(0)
    loader = DataLoader(People(seed), batch_size=BATCH, multiprocessing_context="fork" if loading.get("num_workers") else None, **loading)
    places = Counter(tuple(place) for _ in range(EPOCHS) for batch in loader for place in batch.numpy().round(9))
    assert sum(places.values()) == SAMPLES * EPOCHS
    return len(places), max(places.values())


print(f"albumentations {A.__version__}, torch {torch.__version__}: {EPOCHS} epochs of {SAMPLES} samples; different rotations drawn")
expected = {
    "no workers": ({}, 240),
    "four workers": ({"num_workers": 4}, 20),
    "four workers, seed 7": ({"num_workers": 4, "seed": 7}, 20),
    "four workers that persist": ({"num_workers": 4, "persistent_workers": True}, 60),
    "four workers, each seeded by hand": ({"num_workers": 4, "worker_init_fn": own_chance}, 240),
}
for name, (loading, number) in expected.items():
    different, most = drawn(**loading)
    print(f"{name}: {different}, the commonest {most} times")
    assert different == number, f"changed: {number} were expected"
print("as described")
PY
"$work/venv/bin/python" "$work/measure.py"
