"""Section `fit-student` of params.yaml: a fit, a teacher, and how people without labels enter it."""

from dataclasses import dataclass, field

from dataengine.errors import ParamsError

from ..fit.consistency.params import ConsistencyParams
from ..fit.params import DistillParams, FitParams


@dataclass(frozen=True, kw_only=True)
class FitStudentParams(FitParams):
    """The fit, and how pseudo-labels enter it."""

    pseudo_per_real: float
    """Pseudo-labelled people drawn per real one; 0 leaves them out."""
    distill: DistillParams = field(default_factory=DistillParams)
    consistency: ConsistencyParams = field(default_factory=ConsistencyParams)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.pseudo_per_real < 0:
            raise ParamsError("pseudo_per_real", expected="0 or more", got=repr(self.pseudo_per_real))
        if self.consistency.mode != "none" and self.distill.teacher:
            fix = "set consistency.mode: none, or distill.teacher: null"
            raise ParamsError("consistency and distill each give the student a teacher", fix=fix)
