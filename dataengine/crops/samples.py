"""Training samples: augmented crops of people, each a pure function of (people, row, seed).

A person's surroundings are decoded once and kept as a small patch in memory, because a set of a few hundred people is
visited for a hundred epochs; past `cache_bytes` patches are cut anew each time.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataengine.crops.augment import AugmentParams, photometric, random_affine, swap_sides
from dataengine.crops.pixels import read_image
from dataengine.crops.spec import (
    CropSpec,
    apply_affine,
    compose_affine,
    crop_matrix,
    extract_crop,
    invert_affine,
)
from dataengine.people import Images, People

# A patch shows this much more than the crop, for rotations and shifts, in this much finer pixels, for enlargements.
PATCH_REACH, PATCH_DETAIL = 1.5, 1.25
DEFAULT_CACHE_BYTES = 1 << 30


@dataclass(frozen=True, eq=False)
class Sample:
    """One augmented crop with its labels."""

    crop_bgr: NDArray[np.uint8]  # (height, width, 3)
    keypoints_px: NDArray[np.float64]  # (17, 2) crop pixels
    joint_weight: NDArray[np.float32]  # (17,) the person's weight; 0 where not labelled or outside the crop


class CropSamples:
    """The people to train on, ready to be cropped and augmented."""

    def __init__(
        self,
        people: People,
        images: Images,
        spec: CropSpec,
        augment: AugmentParams,
        *,
        cache_bytes: int = DEFAULT_CACHE_BYTES,
    ) -> None:
        """Raises InputError for an empty box or an unknown image, before any work is done."""
        self.people, self.images, self.spec = people, images, spec
        self._image_row = images.rows_of(people.image_id)
        self._crop_from_image = crop_matrix(people.bbox_xywh_px, spec)
        self._patch_spec = CropSpec(
            round(spec.width_px * PATCH_REACH * PATCH_DETAIL),
            round(spec.height_px * PATCH_REACH * PATCH_DETAIL),
            spec.padding * PATCH_REACH,
        )
        self._patch_from_image = crop_matrix(people.bbox_xywh_px, self._patch_spec)
        self._augment = augment
        self._photometric = photometric(augment)
        self._patches: dict[int, NDArray[np.uint8]] = {}
        self._room = cache_bytes // (self._patch_spec.width_px * self._patch_spec.height_px * 3)

    def __len__(self) -> int:
        return len(self.people)

    def image_path(self, row: int) -> str:
        """The image that person `row` stands in, for messages."""
        return str(self.images.path[self._image_row[row]])

    def sample(self, row: int, seed: tuple[int, ...]) -> Sample:
        """Person `row`, augmented by the chance that `seed` stands for."""
        rng = np.random.default_rng(seed)
        change, mirrored = random_affine(rng, self._augment, self.spec)
        crop_from_image = compose_affine(change, self._crop_from_image[row])
        crop_from_patch = compose_affine(crop_from_image, invert_affine(self._patch_from_image[row]))
        crop = extract_crop(self._patch(row), crop_from_patch, self.spec)
        self._photometric.set_random_seed(int(rng.integers(2**31)))
        crop = self._photometric(image=crop)["image"]
        points = apply_affine(crop_from_image, self.people.keypoints_px[row].astype(np.float64))
        labelled = self.people.visibility[row] > 0
        if mirrored:
            points, labelled = swap_sides(points), swap_sides(labelled[:, None])[:, 0]
        weight = np.where(labelled & self._inside(points), self.people.weight[row], 0.0).astype(np.float32)
        return Sample(crop, points, weight)

    def _inside(self, points: NDArray[np.float64]) -> NDArray[np.bool_]:
        limit = np.array([self.spec.width_px, self.spec.height_px]) - 0.5
        return np.asarray(((points >= -0.5) & (points <= limit)).all(axis=1))

    def _patch(self, row: int) -> NDArray[np.uint8]:
        patch = self._patches.get(row)
        if patch is None:
            image = read_image(self.image_path(row))
            patch = extract_crop(image, self._patch_from_image[row], self._patch_spec)
            if len(self._patches) < self._room:
                self._patches[row] = patch
        return patch
