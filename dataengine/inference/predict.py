"""Run a keypoint network on people, whatever executes it: PyTorch here, ONNX Runtime, or an engine.

A `Runner` takes normalised images and returns the tensors of the network's head; `torch_runner` and `onnx_runner` make
one. `predict_people` crops, runs and decodes; `predict_crops` does the same for crops that are at hand.
`torch_features` gives embeddings.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from dataengine.crops.pixels import crop_people, normalise
from dataengine.crops.spec import affine_scale, apply_affine, invert_affine
from dataengine.errors import EnvironmentFault, InputError
from dataengine.nets.checkpoint import ModelMeta
from dataengine.nets.heads import Arrays, Head
from dataengine.nets.layout import Decoded
from dataengine.nets.network import KeypointNetwork
from dataengine.people import Images, People
from dataengine.progress import track

Runner = Callable[[NDArray[np.float32]], Arrays]
_QUIET_BELOW_PEOPLE = 500  # fewer than these take under a few seconds: no bar


@dataclass(frozen=True, eq=False)
class Prediction:
    """Joints of n persons in image pixels, and how sure the network is of each."""

    keypoints_px: NDArray[np.float32]  # (n, 17, 2)
    confidence: NDArray[np.float32]  # (n, 17) probability that the joint lies near the place given, 0..1
    spread_px: NDArray[np.float32]  # (n, 17) standard deviation of the place, image pixels
    entropy: NDArray[np.float32]  # (n, 17) normalised entropy of the two distributions, 0 certain .. 1 no idea

    @property
    def score(self) -> NDArray[np.float32]:
        """One confidence per person (n,): the mean over joints."""
        return np.asarray(self.confidence.mean(axis=1), dtype=np.float32)

    def as_people(self, people: People) -> People:
        """`people` with these joints, all marked visible, and the scores: the detections that OKS AP wants."""
        return people.replace(
            keypoints_px=self.keypoints_px, visibility=np.full(self.confidence.shape, 2, np.uint8), score=self.score
        )


def torch_runner(net: nn.Module) -> Runner:
    """Run `net` in evaluation mode in float32, on the device that it lies on."""
    device = next(net.parameters()).device

    def run(images: NDArray[np.float32]) -> Arrays:
        with torch.inference_mode():
            answer = net.eval()(torch.from_numpy(images).to(device).contiguous(memory_format=torch.channels_last))
        return tuple(tensor.float().cpu().numpy() for tensor in answer)

    return run


def onnx_runner(path: Path, threads: int = 2) -> Runner:
    """Run an exported network (input ``images``, outputs those of its head, in order) with ONNX Runtime on the CPU."""
    try:
        import onnxruntime
    except ImportError as error:
        raise EnvironmentFault("onnxruntime is not installed", mend="pip install onnxruntime") from error
    if not path.exists():
        raise InputError(f"{path} does not exist", mend="run `dataengine export`")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    entry = session.get_inputs()[0]
    # a network whose weights were cast to half precision may ask for half-precision images
    dtype = np.float16 if entry.type == "tensor(float16)" else np.float32

    def run(images: NDArray[np.float32]) -> Arrays:
        answer = session.run(None, {entry.name: images.astype(dtype, copy=False)})
        return tuple(np.asarray(array, dtype=np.float32) for array in answer)

    return run


def predict_people(
    runner: Runner,
    meta: ModelMeta,
    people: People,
    images: Images,
    *,
    batch: int = 64,
    flip_test: bool = False,
    description: str = "predict",
) -> Prediction:
    """Joints of every person in `people`, found inside their boxes. `flip_test` averages with the mirrored crop."""
    crops, matrices = crop_people(people, images, meta.crop)
    return predict_crops(runner, meta, crops, matrices, batch=batch, flip_test=flip_test, description=description)


def predict_crops(
    runner: Runner,
    meta: ModelMeta,
    crops_bgr: NDArray[np.uint8],
    matrices: NDArray[np.float64],
    *,
    batch: int = 64,
    flip_test: bool = False,
    mirrored: bool = False,
    description: str = "predict",
) -> Prediction:
    """Decode the network's answer on crops (n, H, W, 3) that `matrices` (n, 2, 3) map image pixels into.

    `mirrored` shows the network the mirrored crops only and mirrors its answer back: set beside the plain answer it
    tells how much the network contradicts itself. `flip_test` averages the two answers' distributions.
    """
    parts: list[Decoded] = []
    head = meta.reader
    for start in _batches(len(crops_bgr), batch, description):
        images = normalise(crops_bgr[start : start + batch], meta.mean, meta.std)
        turned = [mirrored, not mirrored] if flip_test else [mirrored]
        answers = [_distributions(runner, head, images, turn) for turn in turned]
        parts.append(head.decode(tuple(np.mean(same, axis=0) for same in zip(*answers, strict=True))))
    return _in_image(parts, matrices, len(meta.keypoints))


def torch_features(
    net: KeypointNetwork,
    meta: ModelMeta,
    people: People,
    images: Images,
    *,
    batch: int = 64,
    description: str = "embed",
) -> NDArray[np.float32]:
    """Embeddings (n, d): the backbone's features averaged over the crop."""
    crops, _ = crop_people(people, images, meta.crop)
    rows: list[NDArray[Any]] = []
    for start in _batches(len(crops), batch, description):
        inputs = torch.from_numpy(normalise(crops[start : start + batch], meta.mean, meta.std))
        with torch.inference_mode():
            net.eval()
            rows.append(net.features(inputs).float().mean(dim=(2, 3)).numpy())
    return np.concatenate(rows).astype(np.float32) if rows else np.empty((0, 0), dtype=np.float32)


def _batches(count: int, batch: int, description: str) -> Iterator[int]:
    starts = range(0, count, batch)
    return iter(starts) if count < _QUIET_BELOW_PEOPLE else track(starts, description, unit="batch")


def _distributions(runner: Runner, head: Head, images: NDArray[np.float32], mirrored: bool) -> Arrays:
    """The head's distributions; with `mirrored`, those of the mirrored images, mirrored back."""
    if not mirrored:
        return head.distributions(runner(images))
    return head.mirrored(head.distributions(runner(np.ascontiguousarray(images[..., ::-1]))))


def _in_image(parts: list[Decoded], matrices: NDArray[np.float64], joints: int) -> Prediction:
    if not parts:
        none = np.empty((0, joints), dtype=np.float32)
        return Prediction(np.empty((0, joints, 2), dtype=np.float32), none, none, none)
    places = np.concatenate([part.keypoints_px for part in parts])
    image_px = 1 / affine_scale(matrices)[:, None]  # image pixels in one crop pixel
    return Prediction(
        keypoints_px=apply_affine(invert_affine(matrices), places).astype(np.float32),
        confidence=np.concatenate([part.confidence for part in parts]).astype(np.float32),
        spread_px=(np.concatenate([part.spread_px for part in parts]) * image_px).astype(np.float32),
        entropy=np.concatenate([part.entropy for part in parts]).astype(np.float32),
    )
