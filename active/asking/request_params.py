"""Section `request` of params.yaml: the budget of what a round's failures may ask for."""

from __future__ import annotations

from dataclasses import dataclass

from dataengine.errors import ParamsError


@dataclass(frozen=True, kw_only=True)
class RequestParams:
    """What `dataengine request` asks for."""

    renders: int = 40
    """Images that all requests of a round get together; 0 asks for none."""
    labels: int = 8
    """Images of the pool that they get labelled together; `requests.label_share` limits them further."""
    most: int = 4
    """Requests of a round."""
    examples: int = 8
    """Example poses of a request."""
    min_people: int = 10
    """People of a slice or a cluster, below which nothing is concluded from it."""
    min_gap: float = 0.02
    """AP that a slice has to lie below the whole set, and expected loss of OKS that a cluster has to lie above it."""
    shadow_oks: float = 0.5
    """Disagreements with a lower OKS between the two models count."""
    asked_again: float = 0.5
    """Factor on a need for each earlier round that was asked for the same and did not make it clearly better."""
    shadow: str = ""
    """Folder of `dataengine serve --shadow`, "" for none."""
    by_hand: str = ""
    """Folder of poses that a person chose in the App, "" for none."""

    def __post_init__(self) -> None:
        for name, low in (("renders", 0), ("labels", 0), ("most", 1), ("examples", 1), ("min_people", 1)):
            if getattr(self, name) < low:
                raise ParamsError(name, expected=f"{low} or more", got=str(getattr(self, name)))
        for name in ("min_gap", "shadow_oks", "asked_again"):
            if not 0 <= getattr(self, name) <= 1:
                raise ParamsError(name, expected="0 to 1", got=str(getattr(self, name)))
