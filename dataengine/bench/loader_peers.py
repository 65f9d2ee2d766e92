"""What the loader is measured against: the same crops with the same augmentations, made in the two usual ways.

`PlainPipeline` is what one writes in an afternoon: cv2.imread, one affine map, an albumentations Compose. `PoseChain`
is a chain of transforms over a dict of results, rebuilt from the steps that mmpose publishes for top-down training
(its RTMPose configuration, "train_pipeline_stage2"): LoadImage, GetBBoxCenterScale, RandomFlip of the whole picture,
RandomHalfBody, RandomBBoxTransform, TopdownAffine, Albumentation, GenerateTarget (SimCC), PackPoseInputs, and the
normalisation of the batch. Where its published strengths differ from ours it gets ours, half bodies are left to chance
zero, and its draws are uniform (mmpose's truncated normal draws take longer).
"""

from collections.abc import Sequence
from typing import Any

import albumentations as A
import cv2
import numpy as np
import torch
from albumentations.pytorch import ToTensorV2
from numpy.typing import NDArray
from torch import Tensor

from dataengine.crops.pixels import MEAN_RGB, STD_RGB
from dataengine.crops.spec import CropSpec
from dataengine.crops.training.augment import AugmentParams
from dataengine.keypoints import FLIP_INDEX, UNLABELLED
from dataengine.people import Images, People

SIMCC_SPLIT, SIMCC_SIGMA_BINS = 2, 5.0


def looks(params: AugmentParams) -> list[Any]:
    """The photometric changes and the blotted rectangles of `params`, as albumentations transforms."""
    share = params.photometric_share
    holes = {"num_holes_range": (1, 2), "hole_height_range": (0.1, 0.3), "hole_width_range": (0.1, 0.3)}
    blurs = [A.GaussianBlur(blur_limit=(3, 5)), A.MotionBlur(blur_limit=5, allow_shifted=False)]
    return [
        A.CoarseDropout(p=params.dropout_share, **holes),
        A.RandomBrightnessContrast(brightness_limit=0.3, contrast_limit=0.3, p=share),
        A.HueSaturationValue(hue_shift_limit=12, sat_shift_limit=40, val_shift_limit=20, p=share),
        A.OneOf(blurs, p=share / 3),
        A.GaussNoise(std_range=(0.02, 0.08), p=share / 3),
        A.ImageCompression(quality_range=(40, 90), p=share / 3),
        A.ToGray(p=share / 10),
    ]


class PlainPipeline:
    """cv2.imread, cv2.warpAffine, albumentations with Normalize and ToTensorV2, torch.stack."""

    def __init__(self, people: People, images: Images, spec: CropSpec, params: AugmentParams) -> None:
        self._people, self._images, self._spec, self._params = people, images, spec, params
        self._image_row = images.rows_of(people.image_id)
        self._compose = A.Compose([*looks(params), A.Normalize(MEAN_RGB, STD_RGB), ToTensorV2()])
        self._rng = np.random.default_rng(0)

    def batch(self, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Images (b, 3, H, W) and keypoints (b, 17, 2)."""
        made = [self._one(int(row)) for row in rows]
        return torch.stack([image for image, _ in made]), torch.from_numpy(np.stack([points for _, points in made]))

    def crop(self, row: int, crop_from_image: NDArray[np.float64]) -> NDArray[np.uint8]:
        """The crop (H, W, 3) in RGB that a map (2, 3) takes from the picture of person `row`."""
        image = cv2.imread(str(self._images.path[self._image_row[row]]))
        rgb = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        size = (self._spec.width_px, self._spec.height_px)
        return np.asarray(cv2.warpAffine(rgb, crop_from_image, size, flags=cv2.INTER_LINEAR), dtype=np.uint8)

    def _one(self, row: int) -> tuple[Tensor, NDArray[np.float32]]:
        matrix, mirrored = self._matrix(self._people.bbox_xywh_px[row])
        points = self._people.keypoints_px[row] @ matrix[:, :2].T + matrix[:, 2]
        if mirrored:
            points = points[FLIP_INDEX]
        return self._compose(image=self.crop(row, matrix))["image"], points.astype(np.float32)

    def _matrix(self, box: NDArray[np.float32]) -> tuple[NDArray[np.float64], bool]:
        rng, params, spec = self._rng, self._params, self._spec
        x, y, width, height = box.astype(np.float64)
        zoom = min(spec.width_px / width, spec.height_px / height) / spec.padding
        zoom *= np.exp(rng.uniform(-1, 1) * np.log1p(params.scale))
        turned = rng.random() < params.rotation_share
        angle = rng.uniform(-params.rotation_deg, params.rotation_deg) if turned else 0.0
        center = (x + width / 2 - 0.5, y + height / 2 - 0.5)
        matrix = np.asarray(cv2.getRotationMatrix2D(center, angle, zoom), dtype=np.float64)
        middle = (np.array([spec.width_px, spec.height_px]) - 1) / 2
        shift = rng.uniform(-params.shift, params.shift, 2) * [spec.width_px, spec.height_px]
        matrix[:, 2] += middle - center + shift
        mirrored = bool(rng.random() < params.flip_share)
        if mirrored:
            matrix[0] = -matrix[0]
            matrix[0, 2] += spec.width_px - 1
        return matrix, mirrored


class PoseChain:
    """Transforms over a dict of results, one sample at a time, as mmpose's top-down training runs them."""

    def __init__(self, people: People, images: Images, spec: CropSpec, params: AugmentParams) -> None:
        self._people, self._images, self._spec, self._params = people, images, spec, params
        self._image_row = images.rows_of(people.image_id)
        self._compose = A.Compose(looks(params))
        self._rng = np.random.default_rng(0)
        self._mean = torch.tensor(MEAN_RGB).view(3, 1, 1) * 255
        self._std = torch.tensor(STD_RGB).view(3, 1, 1) * 255
        steps = [self._load, self._center_scale, self._flip, self._half_body, self._box_transform]
        self._steps = [*steps, self._affine, self._albumentation, self._target, self._pack]

    def batch(self, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor, Tensor]:
        """Images (b, 3, H, W), normalised, and SimCC targets (b, 17, 2 W), (b, 17, 2 H)."""
        packed = [self._run(int(row)) for row in rows]
        images = torch.stack([p["inputs"] for p in packed])[:, [2, 1, 0]].float()
        targets = (torch.stack([p[f"keypoint_{axis}_labels"] for p in packed]) for axis in "xy")
        return (images - self._mean) / self._std, *targets

    def _run(self, row: int) -> dict[str, Any]:
        results: dict[str, Any] = {
            "img_path": str(self._images.path[self._image_row[row]]),
            "bbox": self._people.bbox_xywh_px[row].copy(),
            "keypoints": self._people.keypoints_px[row][None].copy(),
            "keypoints_visible": (self._people.visibility[row] > UNLABELLED)[None].astype(np.float32),
        }
        for step in self._steps:
            step(results)
        return results["packed"]

    def _load(self, r: dict[str, Any]) -> None:
        with open(r["img_path"], "rb") as opened:  # noqa: PTH123 - as a file client does
            content = np.frombuffer(opened.read(), dtype=np.uint8)
        r["img"] = cv2.imdecode(content, cv2.IMREAD_COLOR)
        r["img_shape"] = r["img"].shape[:2]

    def _center_scale(self, r: dict[str, Any]) -> None:
        r["center"] = r["bbox"][:2] + r["bbox"][2:] / 2
        r["scale"] = r["bbox"][2:] * self._spec.padding

    def _flip(self, r: dict[str, Any]) -> None:
        if self._rng.random() >= self._params.flip_share:
            return
        width = r["img_shape"][1]
        r["img"] = cv2.flip(r["img"], 1)
        r["center"][0] = width - 1 - r["center"][0]
        r["keypoints"] = r["keypoints"][:, FLIP_INDEX]
        r["keypoints"][..., 0] = width - 1 - r["keypoints"][..., 0]
        r["keypoints_visible"] = r["keypoints_visible"][:, FLIP_INDEX]

    def _half_body(self, r: dict[str, Any]) -> None:
        """Ours has no such augmentation: it never happens, as where ``prob`` is 0."""

    def _box_transform(self, r: dict[str, Any]) -> None:
        params, rng = self._params, self._rng
        r["center"] = r["center"] + rng.uniform(-params.shift, params.shift, 2) * r["scale"]
        r["scale"] = r["scale"] * np.exp(rng.uniform(-1, 1) * np.log1p(params.scale))
        turned = rng.random() < params.rotation_share
        r["rotation"] = rng.uniform(-params.rotation_deg, params.rotation_deg) if turned else 0.0

    def _affine(self, r: dict[str, Any]) -> None:
        width, height = self._spec.width_px, self._spec.height_px
        aspect, (w, h) = width / height, r["scale"]
        w = max(w, h * aspect)
        angle = np.deg2rad(r["rotation"])
        across = np.array([np.cos(angle), np.sin(angle)]) * w / 2
        down = np.array([-np.sin(angle), np.cos(angle)]) * w / aspect / 2
        source = np.stack([r["center"], r["center"] + across, r["center"] + down]).astype(np.float32)
        target = np.array([[0.5, 0.5], [1, 0.5], [0.5, 1]], dtype=np.float32) * [width, height]
        matrix = cv2.getAffineTransform(source, target.astype(np.float32))
        r["img"] = cv2.warpAffine(r["img"], matrix, (width, height), flags=cv2.INTER_LINEAR)
        r["transformed_keypoints"] = cv2.transform(r["keypoints"], matrix)

    def _albumentation(self, r: dict[str, Any]) -> None:
        r["img"] = self._compose(image=r["img"])["image"]

    def _target(self, r: dict[str, Any]) -> None:
        """SimCC labels: a Gaussian over the bins of each axis for each joint inside the crop."""
        bins = [SIMCC_SPLIT * self._spec.width_px, SIMCC_SPLIT * self._spec.height_px]
        labels = [np.zeros((1, 17, count), dtype=np.float32) for count in bins]
        places = [np.arange(count, dtype=np.float32) for count in bins]
        weights = r["keypoints_visible"].copy()
        reach = 3 * SIMCC_SIGMA_BINS
        for joint in range(17):
            if weights[0, joint] < 0.5:
                continue
            mu = np.rint(r["transformed_keypoints"][0, joint] * SIMCC_SPLIT)
            if (mu + reach < 0).any() or (mu - reach >= bins).any():
                weights[0, joint] = 0
                continue
            for axis in (0, 1):
                labels[axis][0, joint] = np.exp(-((places[axis] - mu[axis]) ** 2) / (2 * SIMCC_SIGMA_BINS**2))
        r["keypoint_x_labels"], r["keypoint_y_labels"], r["keypoint_weights"] = *labels, weights

    def _pack(self, r: dict[str, Any]) -> None:
        chw = np.ascontiguousarray(r["img"].transpose(2, 0, 1))
        labels = ("keypoint_x_labels", "keypoint_y_labels", "keypoint_weights")
        packed = {name: torch.from_numpy(r[name][0]) for name in labels}
        meta = {name: r[name] for name in ("img_path", "img_shape", "center", "scale", "rotation")}
        r["packed"] = {"inputs": torch.from_numpy(chw), **packed, "metainfo": meta}


def simcc_targets(
    keypoints_px: NDArray[np.float32], weight: NDArray[np.float32], spec: CropSpec
) -> Sequence[NDArray[np.float32]]:
    """The labels of `PoseChain` for a whole batch (b, 17, 2) at once, which our loader leaves to the loss."""
    labels = []
    for axis, length in enumerate((spec.width_px, spec.height_px)):
        mu = np.rint(keypoints_px[..., axis] * SIMCC_SPLIT)
        place = np.arange(SIMCC_SPLIT * length, dtype=np.float32)
        gaussian = np.exp(-((place - mu[..., None]) ** 2) / np.float32(2 * SIMCC_SIGMA_BINS**2))
        labels.append(gaussian * (weight > 0)[..., None])
    return labels
