"""Section `prune` of params.yaml, on top of `fit`."""

from dataclasses import dataclass
from typing import Literal

from dataengine.errors import ParamsError

from ..fit.params import FitParams

Counted = Literal["macs", "params"]


@dataclass(frozen=True, kw_only=True)
class PruneParams(FitParams):
    """How much is removed, and how what is left is fitted; network, head and crop are those of the student."""

    keep: tuple[float, ...]
    """Shares that are kept, one checkpoint each."""
    by: Counted = "macs"
    """What the shares are of: multiplications and additions of one crop, or parameters."""
    multiple_of: int = 8
    """Channels are left in multiples of it, which 8-bit kernels and tensor cores ask for."""
    teach: float = 1.0
    """Weight of what the student itself says, which the smaller network learns besides the labels; 0: labels alone."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.keep or not all(0 < share < 1 for share in self.keep):
            raise ParamsError("keep", expected="shares above 0 and below 1", got=str(list(self.keep)))
        names = [f"{share:.2f}" for share in self.keep]  # of the checkpoints
        if len(set(names)) < len(names) or "0.00" in names:
            raise ParamsError(
                "keep", expected="shares that differ in two decimals, from 0.01", got=str(list(self.keep))
            )
        if self.multiple_of < 1:
            raise ParamsError("multiple_of", expected="1 or more", got=str(self.multiple_of))
        if not 0 <= self.teach < float("inf"):
            raise ParamsError("teach", expected="0 or more", got=repr(self.teach))
