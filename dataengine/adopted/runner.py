"""An adopted network as a runner: it takes crops as they are and does all the rest itself, as `sessions.DeviceRunner`.

Only a network that is shown one person's box at a time can be one; who finds people itself is asked by
`folder.AdoptedNetwork`, and so is one that wants the box stretched, which the stages' crops are not.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataengine.adopted.feeding import as_input
from dataengine.adopted.folder import AdoptedNetwork, load_adopted, meta_of
from dataengine.adopted.reading import read
from dataengine.errors import EnvironmentFault, InputError
from dataengine.geometry.pixel_grid import mirrored
from dataengine.inference.running.sessions import Answer, Asked, view_of
from dataengine.keypoints import FLIP_INDEX
from dataengine.nets.checkpoint import ModelMeta
from dataengine.nets.heads import Arrays
from dataengine.nets.layout import Decoded

FRAME = "box"


class AdoptedRunner:
    """See `sessions.DeviceRunner`."""

    def __init__(self, adopted: AdoptedNetwork) -> None:
        self._adopted = adopted

    def __call__(self, images: NDArray[np.float32]) -> Arrays:
        """The network's own tensors for images (b, 3, H, W) that are normalised as its metadata say."""
        meta = meta_of(self._adopted.contract)
        mean, std = (np.array(values, dtype=np.float32)[:, None, None] for values in (meta.mean, meta.std))
        rgb = np.clip(np.rint((images * std + mean) * 255), 0, 255).astype(np.uint8).transpose(0, 2, 3, 1)
        network, feed = self._adopted.network, self._adopted.contract.feed
        answers = [network.run(as_input(crop[None, :, :, ::-1], feed)) for crop in rgb]
        return tuple(np.concatenate([np.atleast_1d(answer[name]) for answer in answers]) for name in network.outputs)

    def session(self, meta: ModelMeta, asked: Asked, batch: int) -> "AdoptedSession":
        """Ready for batches of any size."""
        return AdoptedSession(self._adopted, asked)


class AdoptedSession:
    """Crops of a batch to joints, one crop after the other, on the CPU."""

    def __init__(self, adopted: AdoptedNetwork, asked: Asked) -> None:
        if asked.features:
            raise EnvironmentFault("an adopted network gives no embeddings", expected="a PyTorch checkpoint")
        self._network, self._contract, self._asked = adopted.network, adopted.contract, asked

    def buffer(self, shape: tuple[int, ...]) -> NDArray[np.uint8]:
        """Plain memory."""
        return np.zeros(shape, dtype=np.uint8)

    def submit(self, crops_bgr: NDArray[np.uint8]) -> Callable[[], Answer]:
        """All of the work is done here: the answer is ready at once."""
        seen = {side: self._side(crops_bgr, is_mirrored=side) for side in self._asked.sides}
        answer = Answer(tuple(view_of(view, seen, _mean) for view in self._asked.views))
        return lambda: answer

    def _side(self, crops_bgr: NDArray[np.uint8], *, is_mirrored: bool) -> Decoded:
        found = [self._one(crop[:, ::-1] if is_mirrored else crop) for crop in crops_bgr]
        places, confidence = np.array([one[0] for one in found]), np.array([one[1] for one in found])
        if is_mirrored:
            places = mirrored(places, self._contract.feed.width_px)[:, FLIP_INDEX]
            confidence = confidence[:, FLIP_INDEX]
        nothing = np.zeros(confidence.shape)  # of spread and entropy, which an unknown network does not say
        return Decoded(places, confidence, nothing, nothing)

    def _one(self, crop_bgr: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Places (17, 2) in crop pixels and confidences (17,); a joint that it lacks lies in the middle, with 0."""
        feed, order = self._contract.feed, np.array(self._contract.order)
        tensors = self._network.run(as_input(crop_bgr[None], feed))
        poses = read(tensors, self._contract.answers, feed.width_px, feed.height_px)
        places = np.tile((np.array([feed.width_px, feed.height_px]) - 1) / 2, (len(order), 1))
        confidence, known = np.zeros(len(order)), order >= 0
        places[known], confidence[known] = poses.keypoints_px[0, 0, order[known]], poses.confidence[0, 0, order[known]]
        return places, confidence


def load_adopted_runner(folder: Path, threads: int = 2) -> tuple[AdoptedRunner, ModelMeta]:
    """The runner of an adopted network, and its metadata.

    Raises:
        InputError: the folder is none, or its network is not shown a person's box as it is.
    """
    adopted = load_adopted(folder, threads)
    frame = adopted.contract.feed.frame
    if frame != FRAME:
        fix = "`dataengine score` takes it"
        raise InputError(f"{folder} cannot be run on crops", expected="a network fed by boxes", got=frame, fix=fix)
    return AdoptedRunner(adopted), meta_of(adopted.contract)


def _mean(one: Decoded, other: Decoded) -> Decoded:
    """Both answers' mean, which for places alone is all that can be averaged."""
    places, confidence = (one.keypoints_px + other.keypoints_px) / 2, (one.confidence + other.confidence) / 2
    return Decoded(places, confidence, one.spread_px, one.entropy)
