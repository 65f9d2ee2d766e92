"""What a round of a campaign achieved."""

from __future__ import annotations

from dataclasses import dataclass

from dataengine.evaluation.analysis.interval import Interval


@dataclass(frozen=True, kw_only=True)
class PlayedCampaign:
    """Figures of one round; AP is that of the exported file on the test people."""

    labels: int
    """Images that it learnt from."""
    library_renders: int
    asked_renders: int
    pseudo_people: int
    """Pseudo-labelled people that it learnt from; 0 where they did not pay."""
    pseudo_gain: float | None
    """Validation AP with pseudo-labels less that without; None where they were not tried."""
    ap: Interval
    rare: Interval | None
    """AP on people in poses that few of the first training people show."""
    rare_people: int
    gain: Interval | None
    """Over the arm's champion, paired."""
    rare_gain: Interval | None
    verdict: str
    reason: str
    outcome: str
    """What became of the model."""
    requests: tuple[str, ...]
    """What the requests that it served brought, in words."""
    asked: tuple[str, ...]
    """What its failures ask of the next round."""


@dataclass(frozen=True, kw_only=True)
class CampaignFacts:
    """What the page says of the campaign."""

    command: str
    pool_images: int
    val_images: int
    test_images: int
    test_people: int
    oks_sigmas: str
