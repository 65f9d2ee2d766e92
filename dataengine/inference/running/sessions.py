"""From the crops of a batch to joints: what is asked, what comes back, and how any runner is asked.

A `Session` takes a batch (`submit`) and hands over its answer later, so that a GPU works on one batch while the batch
before is written down; `in_turn` keeps one batch in flight. `HostSession` serves every runner that takes normalised
images; `open_session` prefers the runner's own.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from dataengine.crops.pixels import normalise
from dataengine.errors import EnvironmentFault
from dataengine.nets.checkpoint import ModelMeta
from dataengine.nets.heads import Arrays
from dataengine.nets.layout import Decoded

Distributions = TypeVar("Distributions")

Runner = Callable[[NDArray[np.float32]], Arrays]
"""Normalised images (b, 3, H, W) to the tensors of the network's head, in its order."""

View = Literal["plain", "mirrored", "averaged"]
"""The crop; its mirror image, the answer mirrored back; the mean of both answers' distributions (a flip test)."""

IN_FLIGHT = 2  # batches whose crops must stay untouched: the one just submitted and the one before


@dataclass(frozen=True)
class Asked:
    """What to compute for every crop."""

    views: tuple[View, ...] = ("plain",)
    features: bool = False
    """Whether to return the backbone's features, averaged over the crop, too."""

    @property
    def sides(self) -> tuple[bool, ...]:
        """Which crops the network has to see: False as they are, True mirrored."""
        sides_of_view = {"plain": {False}, "mirrored": {True}, "averaged": {False, True}}
        needed = set().union(*(sides_of_view[view] for view in self.views)) | ({False} if self.features else set())
        return tuple(sorted(needed))


@dataclass(frozen=True, eq=False)
class Answer:
    """What the network says of b crops."""

    views: tuple[Decoded, ...]  # in the order asked for, crop pixels
    features: NDArray[np.float32] | None = None  # (b, d)


class Session(Protocol):
    """A runner that is ready for batches of crops."""

    def buffer(self, shape: tuple[int, ...]) -> NDArray[np.uint8]:
        """Memory to cut crops into, of the kind that the device reads fastest."""

    def submit(self, crops_bgr: NDArray[np.uint8]) -> Callable[[], Answer]:
        """Begin on crops (b, H, W, 3) BGR; call the result for the answer. The crops must not change before that.

        At most `IN_FLIGHT` batches may be begun and not yet called for.
        """


@runtime_checkable
class DeviceRunner(Protocol):
    """A runner that takes crops as they are and does all the rest on its own device."""

    def session(self, meta: ModelMeta, asked: Asked, batch: int) -> Session:
        """Ready for up to `batch` crops at a time."""


class HostSession:
    """Normalise, mirror and decode on the CPU, around a runner that takes normalised images."""

    def __init__(self, runner: Runner, meta: ModelMeta, asked: Asked) -> None:
        if asked.features:
            raise EnvironmentFault(
                "this runner gives no embeddings", expected="a PyTorch checkpoint", fix="use `load_runner`"
            )
        self._runner, self._meta, self._asked = runner, meta, asked
        self._head = meta.reader

    def buffer(self, shape: tuple[int, ...]) -> NDArray[np.uint8]:
        """Plain memory."""
        return np.zeros(shape, dtype=np.uint8)

    def submit(self, crops_bgr: NDArray[np.uint8]) -> Callable[[], Answer]:
        """All of the work is done here: the answer is ready at once."""
        images = normalise(crops_bgr, self._meta.mean, self._meta.std)
        seen = {mirrored: self._distributions(images, mirrored) for mirrored in self._asked.sides}
        answer = Answer(tuple(self._head.decode(view_of(view, seen, _mean)) for view in self._asked.views))
        return lambda: answer

    def _distributions(self, images: NDArray[np.float32], mirrored: bool) -> Arrays:
        if not mirrored:
            return self._head.distributions(self._runner(images))
        turned = np.ascontiguousarray(images[..., ::-1])
        return self._head.mirrored(self._head.distributions(self._runner(turned)))


def view_of(
    view: View, seen: dict[bool, Distributions], mean: Callable[[Distributions, Distributions], Distributions]
) -> Distributions:
    """The distributions of a view out of those of the crops as they are (False) and mirrored (True)."""
    return mean(seen[False], seen[True]) if view == "averaged" else seen[view == "mirrored"]


def open_session(runner: Runner, meta: ModelMeta, asked: Asked, batch: int) -> Session:
    """The runner's own session where it has one."""
    if isinstance(runner, DeviceRunner):
        return runner.session(meta, asked, batch)
    return HostSession(runner, meta, asked)


def in_turn(
    session: Session, batches: Iterable[tuple[NDArray[np.int64], NDArray[np.uint8]]]
) -> Iterator[tuple[NDArray[np.int64], Answer]]:
    """(rows, answer) of every (rows, crops), in order; the next batch is submitted before an answer is waited for."""
    waiting: tuple[NDArray[np.int64], Callable[[], Answer]] | None = None
    for rows, crops in batches:
        begun = rows, session.submit(crops)
        if waiting is not None:
            yield waiting[0], waiting[1]()
        waiting = begun
    if waiting is not None:
        yield waiting[0], waiting[1]()


def _mean(one: Arrays, other: Arrays) -> Arrays:
    return tuple((a + b) / 2 for a, b in zip(one, other, strict=True))


def slices(crops_bgr: NDArray[np.uint8], batch: int) -> Sequence[tuple[NDArray[np.int64], NDArray[np.uint8]]]:
    """(rows, crops) of crops that are already cut, `batch` at a time."""
    starts = range(0, len(crops_bgr), batch)
    return [(np.arange(s, min(s + batch, len(crops_bgr))), crops_bgr[s : s + batch]) for s in starts]
