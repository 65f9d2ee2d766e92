"""Parameters of the checks: section `ingest.checks`."""

from dataclasses import dataclass

from dataengine.errors import ParamsError

from .near_duplicates import MOST_BITS


@dataclass(frozen=True)
class ChecksParams:
    """Section `ingest.checks`. Every key has a default; docs/results has what was measured on LSPET."""

    tiny_px: float = 32.0
    """A person is tiny below this, the square root of the box's area: COCO's border between small and medium."""
    outside_share: float = 0.3
    """Suspect when more of the box's area than this lies outside the image."""
    box_margin: float = 0.1
    """A labelled joint may lie outside the box by this share of its longer side."""
    same_person_oks: float = 0.9
    """Two annotations of an image with a higher OKS are the same person twice."""
    same_person_iou: float = 0.95
    """Or with a higher overlap (IoU) of their boxes, where they share fewer than five labelled joints."""
    limb_excess: float = 1.7
    """Least ratio of a suspect limb to what the rest allows: 1.7 is 70 % too long. `limb_deviations` may raise it."""
    limb_deviations: float = 6.0
    """A suspect limb must also be this many robust standard deviations above what is usual in the set."""
    swap_prior: float = 0.05
    """Prior share of people whose left and right are exchanged; 5 % look so in LSPET."""
    swap_probability: float = 0.5
    """Suspect when exchanged sides are at least this probable."""
    near_duplicate_bits: int = 10
    """Perceptual hashes (64 bits) of near duplicates differ in at most this many bits."""
    near_duplicate_correlation: float = 0.75
    """Grey 32x32 thumbnails of near duplicates must also correlate by at least this."""
    teacher: bool = False
    """Let BlazePose judge the sides, too: it finds far more exchanged ones, at about 20 ms per person."""

    def __post_init__(self) -> None:
        shares = ("same_person_oks", "same_person_iou", "near_duplicate_correlation", "swap_probability", "swap_prior")
        for name in shares:
            if not 0 < getattr(self, name) < 1:
                raise ParamsError(name, expected="above 0, below 1", got=f"{getattr(self, name):g}")
        for name in ("tiny_px", "outside_share", "box_margin", "limb_deviations"):
            if not getattr(self, name) >= 0:
                raise ParamsError(name, expected="0 or more", got=f"{getattr(self, name):g}")
        if not self.limb_excess >= 1:
            raise ParamsError("limb_excess", expected="1 or more", got=f"{self.limb_excess:g}")
        if not 0 <= self.near_duplicate_bits <= MOST_BITS:
            got = str(self.near_duplicate_bits)
            raise ParamsError("near_duplicate_bits", expected=f"0 to {MOST_BITS}", got=got)
