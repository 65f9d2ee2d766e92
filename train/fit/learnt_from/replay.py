"""What of an earlier round a fit goes on learning from."""

from dataclasses import dataclass

from dataengine.errors import ParamsError


@dataclass(frozen=True)
class ReplayParams:
    """Old data that a fine-tuning fit goes on seeing, so that it does not forget it (experience replay)."""

    mix: str | None = None
    """Folder that the stage mix wrote in an earlier round (train.json, recipe.json); null replays nothing."""
    share: float = 0.0
    """Share of old people among each epoch's draws, 0 or more and below 1; exact to one person."""

    def __post_init__(self) -> None:
        if not 0 <= self.share < 1:
            raise ParamsError("share", expected="0 or more and below 1", got=repr(self.share))
        if bool(self.mix) != (self.share > 0):
            raise ParamsError("replay", expected="both a mix and a share above 0, or neither", got=str(self))
