"""The policy of the gate: from intervals to promote, reject or not-enough-evidence, with the reason in a sentence."""

from dataclasses import dataclass
from typing import Literal

from dataengine.errors import ParamsError
from dataengine.evaluation.bootstrap import ClusterKind, Interval

VERDICT_FILE = "verdict.json"

Decision = Literal["promote", "reject", "not-enough-evidence"]


@dataclass(frozen=True)
class CompareParams:
    """Section `compare` of params.yaml."""

    champion: str
    """Id of the registry entry that candidates of this round must beat; "" before there is one."""
    floor_ap: float
    """AP (0..1) that a first model must reach, by the lower bound of its interval."""
    min_gain: float
    """AP that a later model must gain over the champion, by the lower bound of the difference."""
    level: float
    """Confidence of the intervals, 0..1."""
    resamples: int
    cluster: ClusterKind
    """What is resampled: single images, blocks of neighbouring frames, or whole videos."""
    block_frames: int
    """Frames of a block, counted in the video."""
    min_clusters: int
    """With fewer clusters than this an interval means nothing, and the verdict is not-enough-evidence."""
    runner: Literal["auto", "onnx", "engine"]
    """What runs the models: the engine, or the FP16 ONNX file it was built from; auto takes the engine on a GPU."""
    threads: int
    """Of ONNX Runtime."""
    seed: int

    def __post_init__(self) -> None:
        if not 0 < self.level < 1:
            raise ParamsError("compare.level", expected="between 0 and 1", got=f"{self.level:g}")
        if self.resamples < 100:
            raise ParamsError("compare.resamples", expected="100 or more", got=str(self.resamples))


@dataclass(frozen=True)
class Verdict:
    """The decision and why."""

    decision: Decision
    reason: str


def judge(params: CompareParams, candidate: Interval, gain: Interval | None, clusters: int) -> Verdict:
    """Decide on a candidate's AP, and on its gain over the champion where there is one."""
    if clusters < params.min_clusters:
        return Verdict(
            "not-enough-evidence",
            f"The test set has {clusters} independent clusters of images and an interval needs at least "
            f"{params.min_clusters}: label more test images.",
        )
    if gain is None:
        return _against_floor(params, candidate)
    return _against_champion(params, gain)


def _against_floor(params: CompareParams, ap: Interval) -> Verdict:
    seen = f"AP {ap.value:.3f} ({params.level:.0%} interval {ap.low:.3f} to {ap.high:.3f})"
    if ap.low >= params.floor_ap:
        return Verdict("promote", f"The first model clears the floor of {params.floor_ap:g} with {seen}.")
    if ap.high < params.floor_ap:
        return Verdict("reject", f"The first model misses the floor of {params.floor_ap:g} with {seen}.")
    return Verdict(
        "not-enough-evidence", f"The first model is not shown to clear the floor of {params.floor_ap:g}: {seen}."
    )


def _against_champion(params: CompareParams, gain: Interval) -> Verdict:
    seen = f"{gain.value:+.3f} AP ({params.level:.0%} interval {gain.low:+.3f} to {gain.high:+.3f})"
    wanted = f"a gain above {params.min_gain:g} AP"
    if gain.low > params.min_gain:
        return Verdict("promote", f"The candidate beats the champion by {seen}; {wanted} was asked for.")
    if gain.high < 0:
        return Verdict("reject", f"The candidate is worse than the champion: {seen}.")
    if gain.high <= params.min_gain:
        return Verdict("reject", f"The candidate does not reach {wanted}: {seen}.")
    return Verdict("not-enough-evidence", f"The candidate is not shown to reach {wanted}: {seen}.")
