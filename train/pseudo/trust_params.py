"""What accepted joints are to be: the params that `train/trust` learns by."""

from dataclasses import dataclass

from dataengine.errors import ParamsError


@dataclass(frozen=True, kw_only=True)
class TrustParams:
    """The precision of accepted joints, and what is right."""

    target_precision: float
    """The share of accepted joints that is to be right; 0 uses the thresholds whatever the validation people."""
    target_confidence: float
    """Probability, over the labelled people that calibrate, with which it is reached."""
    right_from: float
    """A joint is right whose own OKS with the label is this or more."""

    def __post_init__(self) -> None:
        if not 0 <= self.target_precision < 1:
            raise ParamsError(
                "target_precision", expected="0, or above 0 and below 1", got=f"{self.target_precision:g}"
            )
        for name in ("target_confidence", "right_from"):
            if not 0 < getattr(self, name) < 1:
                raise ParamsError(name, expected="above 0 and below 1", got=f"{getattr(self, name):g}")
