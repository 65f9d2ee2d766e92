"""Which layers an INT8 file leaves in float: those that its error comes from, as few as hold a budget of AP.

`blocks_of` makes what is tried out of the layers of a network; `blame` ranks the blocks by how much nearer the INT8
file comes to the FP32 file's joints when a block alone stays in float, on the crops that it was calibrated on, so that
no label has a say in the ranking; `fewest_kept` then looks for the least number from its top with which the AP that is
lost on validation people stays within the budget.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from dataengine.terminal.progress import track

MOST_BLOCKS = 40
"""Blocks that are tried one by one: each costs writing a file and predicting the calibration crops."""


@dataclass(frozen=True)
class LayerBlock:
    """Layers of one module that are left in float together."""

    name: str
    """What the names of its layers begin with; of one layer, its name."""
    layers: tuple[str, ...]


@dataclass(frozen=True)
class Blamed:
    """A block, and how far the INT8 file's joints are from FP32's when this block alone stays in float."""

    block: LayerBlock
    distance_px: float
    """Mean distance of joints, image px."""


def blocks_of(layers: Sequence[str], most: int = MOST_BLOCKS) -> list[LayerBlock]:
    """The layers in their order, one to a block; where there are more than `most`, joined by the modules they are in.

    Layers are named by their modules as PyTorch's exporter does, "/backbone/stage3/2/conv/Conv". Modules are joined as
    far outwards as `most` asks for; layers that come apart in the order of computation stay apart.

    >>> [block.name for block in blocks_of(["/a/0/Conv", "/a/1/Conv", "/b/Conv"], most=2)]
    ['/a', '/b/Conv']
    """
    parts = [name.split("/") for name in layers]
    deepest = max((len(each) for each in parts), default=1)
    for depth in range(deepest, 1, -1):
        blocks = _joined(layers, ["/".join(each[:depth]) for each in parts])
        if len(blocks) <= most:
            return blocks
    return _joined(layers, ["/".join(each[:2]) for each in parts])


def blame(blocks: Sequence[LayerBlock], distance_px: Callable[[Collection[str]], float]) -> list[Blamed]:
    """The blocks, those that cause most of the error first; of equals, the one computed first.

    `distance_px` writes an INT8 file with these layers in float and returns the mean distance of its joints from the
    FP32 file's.
    """
    tried = [Blamed(each, distance_px(each.layers)) for each in track(blocks, "layers kept in float", unit="block")]
    return sorted(tried, key=lambda each: each.distance_px)


def fewest_kept(ap_drop: Callable[[int], float], budget: float, most: int) -> int | None:
    """The least number of blocks, 1 to `most`, that keeps `ap_drop` (of a number) within `budget`; None if none does.

    Doubles until the budget holds and then halves the gap, so not every number is tried: where the drop does not fall
    evenly, a smaller number might hold as well, but the one returned does.
    """
    failed, number = 0, min(1, most)
    while number:
        if ap_drop(number) <= budget:
            break
        if number == most:
            return None
        failed, number = number, min(2 * number, most)
    if not number:
        return None
    while number - failed > 1:
        middle = (failed + number) // 2
        failed, number = (failed, middle) if ap_drop(middle) <= budget else (middle, number)
    return number


def _joined(layers: Sequence[str], prefixes: Sequence[str]) -> list[LayerBlock]:
    """Blocks of those with the same prefix, in the order of their first layers."""
    members: dict[str, list[str]] = {}
    for layer, prefix in zip(layers, prefixes, strict=True):
        members.setdefault(prefix, []).append(layer)
    return [LayerBlock(prefix if len(names) > 1 else names[0], tuple(names)) for prefix, names in members.items()]
