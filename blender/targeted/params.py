"""What `dataengine render --like` makes of given people."""

from dataclasses import dataclass

from dataengine.errors import ParamsError


@dataclass(frozen=True)
class LikeParams:
    """Which fits are kept, and how their pictures vary."""

    max_error_share: float = 0.05
    """Fits whose labelled joints lie further off are rejected: their mean, as a share of the box's longer side."""
    variations: int = 4
    """Pictures of every person that was fitted."""
    view_jitter_deg: float = 12.0
    """Standard deviation of the camera's way around the person, and half of that up and down, degrees."""
    pose_jitter_deg: float = 2.0
    """Standard deviation of what is added to limb directions, degrees."""

    def __post_init__(self) -> None:
        for name, low, high in (
            ("max_error_share", 0, 1),
            ("variations", 1, 10_000),
            ("view_jitter_deg", 0, 180),
            ("pose_jitter_deg", 0, 30),
        ):
            if not low <= getattr(self, name) <= high:
                raise ParamsError(f"{name} of --like", expected=f"{low} to {high}", got=repr(getattr(self, name)))
