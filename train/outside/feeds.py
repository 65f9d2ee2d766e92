"""What may go into a network, in order of preference: of two feeds that serve equally well the first is taken."""

from dataclasses import replace

from dataengine.adopted.contract import FRAMES_OF_BOXES, FRAMES_OF_PICTURES, Channels, Feed
from dataengine.adopted.opening import ImageInput

FREE_SIZES = ((192, 256), (256, 256), (288, 384), (640, 640))  # width, height where the file leaves them open
PIXELS: tuple[tuple[Channels, str], ...] = (
    ("RGB", "imagenet"),  # torchvision, mmpose, timm
    ("RGB", "unit"),  # Ultralytics
    ("BGR", "bytes"),  # YOLOX, RTMO
    ("RGB", "bytes"),  # MoveNet
    ("RGB", "symmetric"),
    ("BGR", "imagenet"),
    ("BGR", "unit"),
    ("RGB", "centred"),
    ("BGR", "centred"),  # OpenPose
    ("BGR", "caffe"),
    ("RGB", "caffe"),
    ("BGR", "symmetric"),
)
PADDINGS = (1.25, 1.0, 1.1, 1.2, 1.35, 1.5, 1.75)


def feeds_of(image: ImageInput, *, sees_picture: bool) -> list[Feed]:
    """The first feed of each size that the input allows."""
    sizes = [
        (image.width_px or width, image.height_px or height)
        for width, height in (FREE_SIZES if None in (image.width_px, image.height_px) else FREE_SIZES[:1])
    ]
    channels, normalisation = _pixels_of(image.dtype)[0]
    frame, padding = (FRAMES_OF_PICTURES[0], 1.0) if sees_picture else (FRAMES_OF_BOXES[0], PADDINGS[0])
    return [
        Feed(
            width_px=width,
            height_px=height,
            layout=image.layout,  # type: ignore[arg-type]
            dtype=image.dtype,  # type: ignore[arg-type]
            channels=channels,
            normalisation=normalisation,
            frame=frame,
            padding=padding,
        )
        for width, height in dict.fromkeys(sizes)
    ]


def pixels_like(feed: Feed) -> list[Feed]:
    """The feed with all numbers that may go in."""
    return [replace(feed, channels=c, normalisation=n) for c, n in _pixels_of(feed.dtype)]


def frames_like(feed: Feed) -> list[Feed]:
    """The feed with every part of the picture that it may want."""
    if feed.sees_picture:
        return [replace(feed, frame=frame) for frame in FRAMES_OF_PICTURES]
    return [replace(feed, frame=frame, padding=padding) for frame in FRAMES_OF_BOXES for padding in PADDINGS]


def _pixels_of(dtype: str) -> list[tuple[Channels, str]]:
    """Whole numbers are bytes."""
    return [pair for pair in PIXELS if pair[1] == "bytes" or dtype.startswith("float")]
