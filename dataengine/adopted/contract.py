"""The contract of a pose network: how it wants its input, and how its answer is read.

Pixels of the input are counted as everywhere (`geometry.pixel_grid`): centres are whole numbers. How the public
conventions differ in cutting the crop (box edges onto crop edges; mmpose's `get_warp_matrix`, which puts the box's
corner coordinate on pixel W / 2; UDP's, on (W - 1) / 2) is a shift of less than a pixel that the inverse map takes back
out again, so the crop is always cut edge to edge, and only the grid of the answer is part of a contract.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from dataengine.crops.spec import CropSpec
from dataengine.errors import InputError
from dataengine.keypoints import COCO_KEYPOINTS
from dataengine.typed_record import TypedReader

Layout4D = Literal["NCHW", "NHWC"]
Channels = Literal["RGB", "BGR"]
Frame = Literal["box", "stretched box", "image", "image at the top left", "stretched image"]
Kind = Literal["heatmap", "simcc", "points", "detections"]
Decode = Literal["argmax", "quarter", "dark", "mean", "value"]
Grid = Literal["stride", "half pixel", "align corners", "corner"]
Units = Literal["pixels", "shares"]
Axes = Literal["xy", "yx"]

NORMALISATIONS: Mapping[str, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    "imagenet": ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375)),
    "unit": ((0.0, 0.0, 0.0), (255.0, 255.0, 255.0)),
    "bytes": ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
    "symmetric": ((127.5, 127.5, 127.5), (127.5, 127.5, 127.5)),
    "centred": ((128.0, 128.0, 128.0), (256.0, 256.0, 256.0)),
    "caffe": ((123.68, 116.779, 103.939), (1.0, 1.0, 1.0)),
}
"""Name -> mean and divisor of R, G and B in 0..255: torchvision's and mmpose's; 0..1; 0..255; -1..1; OpenPose's
-0.5..0.5; and the means of the first VGG."""
LETTERBOX_FILL = 114  # grey around a letterboxed picture: Ultralytics' and YOLOX's, thus RTMO's
_RECORDS = TypedReader(InputError, fix="adopt the network again")


@dataclass(frozen=True)
class Feed:
    """What goes in."""

    width_px: int
    height_px: int
    layout: Layout4D = "NCHW"
    dtype: Literal["float32", "float16", "uint8", "int32"] = "float32"
    channels: Channels = "RGB"
    normalisation: str = "imagenet"
    """Name in `NORMALISATIONS`."""
    frame: Frame = "box"
    """The person's box grown to the input's aspect, or stretched to it; or the whole picture: letterboxed in the middle
    or at the top left, or stretched."""
    padding: float = 1.25
    """Extent of the crop over that of the box; of a whole picture 1."""

    def __post_init__(self) -> None:
        if self.normalisation not in NORMALISATIONS:
            raise InputError("a normalisation is unknown", expected=" | ".join(NORMALISATIONS), got=self.normalisation)
        if min(self.width_px, self.height_px) < 1 or not 0.1 <= self.padding <= 10:
            raise InputError("a contract's input is out of range", expected="a size of 1 or more, padding 0.1 to 10")

    @property
    def sees_picture(self) -> bool:
        """Whether it is shown the whole picture and finds people itself."""
        return self.frame not in ("box", "stretched box")

    @property
    def crop(self) -> CropSpec:
        """The crop about a box."""
        return CropSpec(self.width_px, self.height_px, self.padding, stretched=self.frame.startswith("stretched"))


@dataclass(frozen=True)
class AnswerForm:
    """What comes out, as places of `joints` joints in the network's own order."""

    kind: Kind
    joints: int
    places: str
    """Name of the tensor with the maps, the x axis, or the coordinates."""
    other: str = ""
    """Name of a second tensor: the y axis (simcc), the scores of joints (points) or of detections."""
    layout: Literal["channels first", "channels last"] = "channels first"
    """Heatmaps are (joints, h, w) or (h, w, joints); a table of detections has a column for each, or (last) a row."""
    per_joint: int = 2
    """Numbers of one joint in a table of coordinates: place, then, from 3 on, its score."""
    first: int = 0
    """Column of the first joint's first number in such a table."""
    score: int = -1
    """Column of a detection's score; -1 is the greatest of all columns."""
    sigmoid: bool = False
    """Whether scores are logits."""
    decode: Decode = "value"
    """Highest cell; moved a quarter cell to the higher neighbour; DARK's Newton step; softmax's mean around the peak;
    coordinates as they are."""
    grid: Grid = "stride"
    """Where number c of n cells on an input of s pixels lies: stride, c s / n; half pixel, (c + 0.5) s / n - 0.5; align
    corners, c (s - 1) / (n - 1), as in UDP; corner, c s / n - 0.5, counted from the input's corner."""
    units: Units = "pixels"
    """Coordinates are input pixels, or shares of the input's size."""
    axes: Axes = "xy"

    def __post_init__(self) -> None:
        if not 1 <= self.joints <= 1000 or self.per_joint < 2 or self.first < 0:
            raise InputError("a contract's answer is out of range", expected="1 to 1000 joints of 2 numbers or more")


@dataclass(frozen=True)
class Contract:
    """How a network is fed and read."""

    feed: Feed
    answers: AnswerForm
    order: tuple[int, ...]
    """For each joint of `COCO_KEYPOINTS` its number among the network's joints; -1 where it has none."""

    def __post_init__(self) -> None:
        known = [place for place in self.order if place >= 0]
        is_order = len(self.order) == len(COCO_KEYPOINTS) and len(set(known)) == len(known)
        if not is_order or not known or max(known) >= self.answers.joints or min(self.order) < -1:
            raise InputError("a contract's joint order is malformed", expected="17 different joints or -1")

    @property
    def known(self) -> tuple[str, ...]:
        """Names of the joints that the network answers."""
        return tuple(name for name, place in zip(COCO_KEYPOINTS, self.order, strict=True) if place >= 0)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**asdict(self), "order": list(self.order)}

    @classmethod
    def from_json(cls, record: Any) -> "Contract":
        """Inverse of `to_json`; an `InputError` where it is not one."""
        return _RECORDS.record(cls, record, "contract")

    def line(self) -> str:
        """The contract in one line."""
        return f"{feed_line(self.feed)}; {answers_line(self.answers)}; {len(self.known)} of 17 joints"


def feed_line(feed: Feed) -> str:
    """The input in words."""
    room = "" if feed.sees_picture else f", padding {feed.padding:g}"
    return (
        f"{feed.width_px}x{feed.height_px} {feed.layout} {feed.dtype} {feed.channels} {feed.normalisation}, "
        f"{feed.frame}{room}"
    )


def answers_line(answers: AnswerForm) -> str:
    """The answer in words."""
    parts = [f"{answers.kind} of {answers.joints} joints in {answers.places}"]
    if answers.other:
        parts.append(f"with {answers.other}")
    if answers.kind in ("points", "detections"):
        parts.append(f"{answers.axes} in {answers.units}")
    else:
        parts.append(answers.decode)
    return ", ".join([*parts, answers.grid])


FRAMES_OF_BOXES: tuple[Frame, ...] = ("box", "stretched box")
FRAMES_OF_PICTURES: tuple[Frame, ...] = tuple(frame for frame in get_args(Frame) if frame not in FRAMES_OF_BOXES)
