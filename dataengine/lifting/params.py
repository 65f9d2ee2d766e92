"""Section `fit-lifter` of params.yaml: the network, how it is fitted, and the cameras of its training tracks."""

from dataclasses import dataclass, field
from math import prod

from dataengine.errors import ParamsError
from dataengine.params import require_seed, require_within


@dataclass(frozen=True)
class VirtualCameras:
    """Section `fit-lifter.cameras`: where motions are seen from, as ranges [low, high]."""

    distance_m: tuple[float, float] = (1.5, 20.0)
    """To the middle of the hips; every power of two is as likely."""
    pitch_deg: tuple[float, float] = (-20.0, 50.0)
    """Downwards."""
    roll_deg: float = 5.0
    """Standard deviation."""
    off_axis: float = 0.35
    """Largest tangent of the angle between the optical axis and the person, in x and in y."""
    turn_deg_s: float = 8.0
    """Standard deviation of the speed at which a camera goes round the person."""

    def __post_init__(self) -> None:
        low, high = self.distance_m
        if not 0.3 <= low <= high <= 200:
            raise ParamsError("distance_m", expected="[low, high] within 0.3 to 200", got=str(self.distance_m))
        low, high = self.pitch_deg
        if not -85 <= low <= high <= 85:
            raise ParamsError("pitch_deg", expected="[low, high] within -85 to 85", got=str(self.pitch_deg))
        for name, most in (("roll_deg", 180.0), ("off_axis", 2.0), ("turn_deg_s", 360.0)):
            require_within(self, name, 0.0, most)


@dataclass(frozen=True)
class LifterParams:
    """Everything that decides what a lifter is."""

    seed: int = 0
    filter_widths: tuple[int, ...] = (3, 3, 3)
    """Odd widths of the convolutions in time; the receptive field is their product: 27 frames."""
    channels: int = 128
    """Those of the trunk of poses; that of the root has half as many."""
    dropout: float = 0.1
    causal: bool = False
    """Whether a frame is lifted from itself and frames before it alone, as a live film needs it."""
    steps: int = 1500
    batch: int = 128
    """Windows in one step, of one frame each."""
    learning_rate: float = 0.001
    decay: float = 0.05
    """The learning rate falls exponentially to this share of itself."""
    root_weight: float = 1.0
    """Weight of the trajectory's error against that of the pose."""
    rate_fps: tuple[float, float] = (10.0, 60.0)
    """Frames a second of training windows, [low, high]."""
    missing_share: float = 0.15
    """Share of windows in which one to four joints are not seen for a while."""
    warmup_share: float = 0.3
    """Share of the steps before tracks without labels take part."""
    unlabelled_share: float = 0.5
    """Their share of a step's windows, once they take part."""
    reprojection_weight: float = 0.5
    bone_weight: float = 0.5
    """Both of the losses on tracks without labels."""
    cameras: VirtualCameras = field(default_factory=VirtualCameras)

    def __post_init__(self) -> None:
        if not self.filter_widths or any(width < 1 or width % 2 == 0 for width in self.filter_widths):
            raise ParamsError(
                "filter_widths", expected="odd numbers, for example [3, 3, 3]", got=str(self.filter_widths)
            )
        if self.receptive_field > 2187:
            raise ParamsError("filter_widths", expected="a product of at most 2187", got=str(self.receptive_field))
        for name, low, high in (
            ("channels", 2, 4096),
            ("dropout", 0.0, 0.9),
            ("steps", 1, 10_000_000),
            ("batch", 2, 65_536),
            ("learning_rate", 1e-7, 1.0),
            ("decay", 1e-6, 1.0),
            ("root_weight", 0.0, 1e3),
            ("missing_share", 0.0, 1.0),
            ("warmup_share", 0.0, 1.0),
            ("unlabelled_share", 0.0, 0.9),
            ("reprojection_weight", 0.0, 1e3),
            ("bone_weight", 0.0, 1e3),
        ):
            require_within(self, name, low, high)
        require_seed(self)
        if not 1 <= self.rate_fps[0] <= self.rate_fps[1] <= 1000:
            raise ParamsError("rate_fps", expected="[low, high] within 1 to 1000", got=str(self.rate_fps))

    @property
    def receptive_field(self) -> int:
        """Frames that one frame's answer depends on."""
        return prod(self.filter_widths)
