"""Params of `dataengine render --like`, from its options."""

from dataclasses import dataclass

from dataengine.errors import ParamsError


@dataclass(frozen=True)
class LikeParams:
    """Which fits are kept, and how their images vary."""

    max_error_share: float = 0.05
    """Largest mean distance of labelled joints from the fit, as a share of the box's longer side; worse is rejected."""
    variations: int = 4
    """Number of images of every person whose fit is kept."""
    view_jitter_deg: float = 12.0
    """Standard deviation of the camera's angle around the person, degrees; half as much up and down."""
    pose_jitter_deg: float = 2.0
    """Standard deviation of the noise added to limb directions, degrees."""
    least_in_sight: int = 6
    """Shoulders to ankles, twelve in all, that have to be visible; with fewer the picture is made again."""
    most_off_share: float = 0.1
    """Largest mean distance of these joints from those asked, as a share of their extent; beyond it likewise."""

    def __post_init__(self) -> None:
        for name, low, high in (
            ("max_error_share", 0, 1),
            ("variations", 1, 10_000),
            ("view_jitter_deg", 0, 180),
            ("pose_jitter_deg", 0, 30),
            ("least_in_sight", 0, 12),
            ("most_off_share", 0, 1),
        ):
            if not low <= getattr(self, name) <= high:
                raise ParamsError(f"{name} of --like", expected=f"{low} to {high}", got=repr(getattr(self, name)))
        if not self.most_off_share > 0:
            expected = "above 0: no picture shows exactly what was asked, and all would be made again"
            raise ParamsError("most_off_share of --like", expected=expected, got=repr(self.most_off_share))
