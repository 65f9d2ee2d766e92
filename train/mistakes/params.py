"""Section `find-mistakes` of params.yaml: the small networks that are fitted, and what is believed beforehand."""

from dataclasses import asdict, dataclass
from typing import Any

from dataengine.errors import ParamsError

from ..fit.params import FitParams

SECTION = "find-mistakes"


@dataclass(frozen=True, kw_only=True)
class FindMistakesParams(FitParams):
    """The keys of a fit, which every fold's network is fitted by, and these."""

    folds: int = 4
    """Parts of the set; each is judged by a network fitted on the others. Pictures of one scene are in one part."""
    prior: float = 0.02
    """Share of people with a mistake of each kind, before anything is known of them."""
    flag_prior: float = 0.05
    """Share of joints whose flag, visible or occluded, is wrong."""
    listed: float = 0.1
    """Least probability of a mistake that is listed."""

    @property
    def deciding(self) -> dict[str, Any]:
        """All that decides a fit's result, as plain values; the loader's params change only its speed."""
        return asdict(self) | {"loader": None}

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.listed <= 1:
            raise ParamsError("listed", expected="above 0, at most 1", got=f"{self.listed:g}")
        if self.folds < 2:
            raise ParamsError("folds", expected="2 or more", got=repr(self.folds))
        for name in ("prior", "flag_prior"):
            if not 0 < getattr(self, name) <= 0.1:
                raise ParamsError(name, expected="above 0, at most 0.1", got=f"{getattr(self, name):g}")
