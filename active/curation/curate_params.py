"""Section `curate` of params.yaml."""

from __future__ import annotations

from dataclasses import dataclass

from dataengine.errors import ParamsError


@dataclass(frozen=True)
class CurateParams:
    """Files that a dataset shows besides the selection; what is missing is left out, and a line says so."""

    training: str = "data/mix/train.json"
    """The training index of mix: rendered people, and where training people's poses stand."""
    balance: str = "data/balance"
    """Folder that balance wrote: where everybody else's poses stand."""
    pseudo: str = "data/pseudo-label/candidates.json"
    """Everybody whom pseudo-label found, with its reasons."""
    rounds: str = "data/rounds"
    """The ledger of rounds: which round asked for a picture."""
    labels: str = "data/labels"
    """The label store: whose labels a picture has, and which round they answer."""
    answers: str = "data/curate"
    """Folder in which the champion's answers are kept."""
    differ_below: float = 0.75
    """Champion and student differ on a person where the OKS between their answers is below this, 0 to 1."""

    def __post_init__(self) -> None:
        if not 0 <= self.differ_below <= 1:
            raise ParamsError("differ_below", expected="0 to 1", got=str(self.differ_below))
