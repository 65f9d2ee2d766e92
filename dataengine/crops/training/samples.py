"""Training samples: augmented crops of people, each a pure function of (people, row, seed).

`CropSamples.sample` and `draw` give one view of a person; `views` gives a weak and a strong one with the map between
them, for training in which the answer to the weak view labels the strong one. Pixels come from
patches (`patch_source.py`) by one bilinear sampling, whatever the turn, scale and mirroring.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataengine.crops.spec import CropSpec, apply_affine, compose_affine, extract_crop, invert_affine
from dataengine.crops.training.augment import GEOMETRY_DRAWS, AugmentParams, random_affines, reach, swap_sides
from dataengine.crops.training.backgrounds import Backgrounds, put_before
from dataengine.crops.training.half_body import HALF_DRAWS, half_bodies
from dataengine.crops.training.occlusion import blot, hidden, joint_holes, occluded, random_holes
from dataengine.crops.training.pasting import covered_joints, pasted_map
from dataengine.crops.training.patch_source import PatchSource
from dataengine.crops.training.patch_store import PatchStore
from dataengine.crops.training.photometric import Photometric
from dataengine.errors import InputError
from dataengine.geometry.pixel_grid import within
from dataengine.keypoints import UNLABELLED, VISIBLE
from dataengine.labels.joint_weights import training_weights
from dataengine.people import Images, People

DEFAULT_CACHE_BYTES = 2 << 30
LEAST_IN_SIGHT = 0.5  # share of a person's labelled joints
_WEAK, _STRONG = 0, 1  # names of the two views' random streams


@dataclass(frozen=True, eq=False)
class Sample:
    """One augmented crop with its labels."""

    crop_rgb: NDArray[np.uint8]  # (height, width, 3)
    keypoints_px: NDArray[np.float64]  # (17, 2) crop pixels
    visibility: NDArray[np.uint8]  # (17,) 0 not labelled or outside the crop, 1 occluded (or blotted out), 2 visible
    joint_weight: NDArray[np.float32]  # (17,) `training_weights` where visibility is not 0, else 0
    crop_from_image: NDArray[np.float64]  # (2, 3)
    mirrored: bool  # left and right joints were exchanged
    in_crop: NDArray[np.float32]  # (17,) 1 in the crop and its picture, 0 not, -1 nobody knows: an unlabelled joint


@dataclass(frozen=True, eq=False)
class ViewPair:
    """Two views of one person, see `loader.view_batch`."""

    weak: Sample
    strong: Sample
    strong_from_weak: NDArray[np.float64]  # (2, 3) from the weak crop's pixels to the strong crop's

    @property
    def mirrored(self) -> bool:
        """Whether one view is the other's mirror image: then left and right joints change names, too."""
        return self.weak.mirrored != self.strong.mirrored


class CropSamples:
    """The people to train on, ready to be cropped and augmented. Safe to draw from in several threads."""

    def __init__(
        self,
        people: People,
        images: Images,
        spec: CropSpec,
        augment: AugmentParams,
        *,
        weak: AugmentParams | None = None,
        later: Sequence[AugmentParams] = (),
        cache_bytes: int = DEFAULT_CACHE_BYTES,
        store: PatchStore | None = None,
    ) -> None:
        """`weak` is the augmentation of `views`' weak view; `cache_bytes` bounds the patches held in memory.

        `later` are those that `use` will be given: patches hold what any of them can show.

        Raises InputError for an empty box, an unknown image, or synthetic people without any mask where
        augment.background_share asks for masks, before any work is done.
        """
        self.people, self.images, self.spec = people, images, spec
        self._augment, self._weak = augment, weak
        self._weight = training_weights(people)
        # renders carry every joint that lies in the picture, so that one without a label is known to lie outside
        self._knows = (people.visibility > UNLABELLED) | (people.source == "synthetic")[:, None]
        params = [augment, *later, *([weak] if weak else [])]
        before, pasted = (any(getattr(p, name) > 0 for p in params) for name in ("background_share", "pasted_share"))
        masked = _with_masks(people) & (before or pasted)
        self._backgrounds = Backgrounds(people, images, spec) if before and masked.any() else None
        self._cut_out = np.flatnonzero(masked)
        self._source = PatchSource(
            people,
            images,
            spec,
            max(reach(p, spec) for p in params),
            memory_bytes=cache_bytes,
            store=store,
            masked=masked,
        )
        self._of_thread = threading.local()
        own = (augment, *later)
        asked = [name for name in ("background_share", "pasted_share") if any(getattr(p, name) for p in own)]
        if asked and (people.source == "synthetic").any() and not masked.any():
            raise InputError(
                "synthetic people have no masks, or none of them is in sight",
                fix=f"run `dataengine mix` again, or set augment.{asked[0]}: 0",
            )

    def __len__(self) -> int:
        return len(self.people)

    def use(self, augment: AugmentParams) -> None:
        """Augment by one of those that the constructor was given from now on; no thread may be drawing."""
        self._augment = augment

    def image_path(self, row: int) -> str:
        """The image that person `row` stands in, for messages."""
        return self._source.image_path(row)

    def sample(self, row: int, seed: tuple[int, ...]) -> Sample:
        """Person `row`, augmented by random draws from `seed`."""
        return self.draw([row], [seed])[0]

    def draw(self, rows: Sequence[int] | NDArray[np.int64], seeds: Sequence[tuple[int, ...]]) -> list[Sample]:
        """Persons `rows` (b,), each augmented by random draws from its own seed."""
        return self._drawn(np.asarray(rows, dtype=np.int64), seeds, self._augment)

    def views(self, rows: Sequence[int] | NDArray[np.int64], seeds: Sequence[tuple[int, ...]]) -> list[ViewPair]:
        """A weak and a strong view of each of the persons `rows` (b,); needs the constructor's argument `weak`."""
        if self._weak is None:
            raise InputError("no weak augmentation was given", fix="pass `weak` to CropSamples")
        index = np.asarray(rows, dtype=np.int64)
        weak = self._drawn(index, [(*seed, _WEAK) for seed in seeds], self._weak)
        strong = self._drawn(index, [(*seed, _STRONG) for seed in seeds], self._augment)
        return [
            ViewPair(w, s, compose_affine(s.crop_from_image, invert_affine(w.crop_from_image)))
            for w, s in zip(weak, strong, strict=True)
        ]

    def _drawn(self, rows: NDArray[np.int64], seeds: Sequence[tuple[int, ...]], params: AugmentParams) -> list[Sample]:
        """Geometry of the whole batch at once; pixels one by one."""
        rngs = [np.random.default_rng(seed) for seed in seeds]
        draws = np.stack([rng.random(GEOMETRY_DRAWS) for rng in rngs])
        change, mirrored = random_affines(draws, params, self.spec)
        plain = self._source.crop_from_image[rows]
        if params.half_body_share:
            draws = np.stack([rng.random(HALF_DRAWS) for rng in rngs])
            joints = apply_affine(plain, self.people.keypoints_px[rows].astype(np.float64))
            flags = self.people.visibility[rows]
            plain = compose_affine(half_bodies(draws, params.half_body_share, joints, flags, self.spec), plain)
        crop_from_image = compose_affine(change, plain)
        points = apply_affine(crop_from_image, self.people.keypoints_px[rows].astype(np.float64))
        visibility, weight, knows = self.people.visibility[rows], self._weight[rows], self._knows[rows]
        points[mirrored] = swap_sides(points[mirrored])
        visibility[mirrored] = swap_sides(visibility[mirrored][..., None])[..., 0]
        weight[mirrored] = swap_sides(weight[mirrored][..., None])[..., 0]
        knows[mirrored] = swap_sides(knows[mirrored][..., None])[..., 0]
        visibility[~within(points, (self.spec.width_px, self.spec.height_px))] = 0
        weight[visibility == UNLABELLED] = 0
        in_crop = np.where(knows, visibility > UNLABELLED, -1).astype(np.float32)
        patches = [self._source.patch(int(row)) for row in rows]
        crop_from_patch = compose_affine(crop_from_image, np.stack([patch.image_from_patch for patch in patches]))
        looks = self._photometric(params)
        samples = []
        for i, rng in enumerate(rngs):
            crop = extract_crop(patches[i].pixels, crop_from_patch[i], self.spec)
            if crop.shape[2] == 4:
                crop = self._before_something(crop, rng, params)
            crop, seen = self._behind_somebody(crop, points[i], visibility[i], rng, params)
            seen = self._blotted(crop, points[i], seen, rng, params)
            crop = looks.apply(crop, rng)
            samples.append(Sample(crop, points[i], seen, weight[i], crop_from_image[i], bool(mirrored[i]), in_crop[i]))
        return samples

    def _before_something(
        self, person: NDArray[np.uint8], rng: np.random.Generator, params: AugmentParams
    ) -> NDArray[np.uint8]:
        """The masked person (H, W, 4) before another background, or before their own."""
        if self._backgrounds is not None and rng.random() < params.background_share:
            return put_before(person, self._backgrounds.window(rng))
        return np.ascontiguousarray(person[..., :3])

    def _behind_somebody(
        self,
        crop: NDArray[np.uint8],
        points: NDArray[np.float64],
        visibility: NDArray[np.uint8],
        rng: np.random.Generator,
        params: AugmentParams,
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """The crop with a rendered person in front, and the joints' visibility (17,) behind them."""
        if not (params.pasted_share and len(self._cut_out) and rng.random() < params.pasted_share):
            return crop, visibility
        row = int(rng.choice(self._cut_out))
        patch = self._source.patch(row)
        placed = compose_affine(pasted_map(rng, self.spec), self._source.crop_from_image[row])
        cut_out = extract_crop(patch.pixels, compose_affine(placed, patch.image_from_patch), self.spec)
        covered = covered_joints(cut_out, points, visibility)
        return (crop, visibility) if covered is None else (put_before(cut_out, crop), occluded(visibility, covered))

    def _blotted(
        self,
        crop: NDArray[np.uint8],
        points: NDArray[np.float64],
        visibility: NDArray[np.uint8],
        rng: np.random.Generator,
        params: AugmentParams,
    ) -> NDArray[np.uint8]:
        """Make holes in the crop, in place; returns the joints' visibility (17,) after that."""
        width, height = self.spec.width_px, self.spec.height_px
        somewhere, at_joints = rng.random() < params.dropout_share, rng.random() < params.joint_cutout_share
        parts = [random_holes(rng, width, height)] if somewhere else []
        parts += [joint_holes(rng, points, visibility > UNLABELLED, width, height)] if at_joints else []
        if not parts:
            return visibility
        holes = np.concatenate(parts)
        blot(crop, holes, rng)
        return occluded(visibility, hidden(points, holes))

    def _photometric(self, params: AugmentParams) -> Photometric:
        """This thread's own chain: it holds generators."""
        chains: dict[AugmentParams, Photometric] | None = getattr(self._of_thread, "chains", None)
        if chains is None:
            chains = self._of_thread.chains = {}
        if params not in chains:
            chains[params] = Photometric(params)
        return chains[params]


def _with_masks(people: People) -> NDArray[np.bool_]:
    """Which persons can be put before another background: synthetic, with a mask, most of their joints in sight.

    The mask of a mostly hidden person holds too little: the labels would lie on a photograph that does not show them.
    """
    masks = people.extras.get("segmentation")
    if masks is None:
        return np.zeros(len(people), dtype=bool)
    labelled = (people.visibility > UNLABELLED).sum(axis=1)
    in_sight = (people.visibility == VISIBLE).sum(axis=1) >= LEAST_IN_SIGHT * labelled
    masked = np.array([isinstance(mask, dict) for mask in masks], dtype=bool)
    return (people.source == "synthetic") & masked & in_sight
