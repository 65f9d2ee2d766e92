"""Section `compare` of params.yaml: what the gate asks of a candidate, and the error that the answer may spend."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from dataengine.errors import ParamsError
from dataengine.evaluation.analysis.image_clusters import ClusterKind
from dataengine.evaluation.jittered_boxes import BoxJitter
from dataengine.files import short_sha256
from dataengine.params import require_within
from dataengine.registry.ledger import digest_of

PINNED = ("champion", "round", "policy", "ledger")
"""Keys that `dataengine begin-round` writes."""
WITHOUT_EFFECT = ("threads", "box_jitter")
"""Keys that are no part of the policy: they change how fast the answer comes or what is shown, not the answer."""


@dataclass(frozen=True)
class Primary:
    """The demand on OKS AP over the whole test set."""

    kind: Literal["superiority", "non-inferiority"]
    """Better than the champion by more than the margin, or not worse by more than the margin."""
    margin: float
    """AP (0..1). Non-inferiority round after round may drift down by a margin each time; superiority cannot."""

    @property
    def threshold(self) -> float:
        """Gain (AP) that must be exceeded."""
        return self.margin if self.kind == "superiority" else -self.margin


@dataclass(frozen=True)
class Guards:
    """Parts of the test set on which the candidate must not be worse than the champion by more than a margin."""

    slices: list[str]
    """Names of slices such as ``occlusion=some``; ``video=*`` stands for every slice of that kind."""
    margin: float
    """AP (0..1)."""
    level: float
    """One-sided confidence of each. All guards must hold, so no error is split among them (Berger 1982)."""
    min_people: int
    """Smaller slices that a ``*`` finds are left alone."""


@dataclass(frozen=True)
class Budgets:
    """What the file that ships may cost; null sets no limit."""

    latency_ms: float | None
    """Latency of one crop at batch 1 (median), as the export measured it for that file."""
    size_mb: float | None
    """Size in 1e6 bytes."""
    ece: float | None
    """Expected calibration error of a person's confidence against its OKS, 0..1."""

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if value is not None and not value > 0:
                raise ParamsError(name, expected="above 0, or null for no budget", got=repr(value))


@dataclass(frozen=True)
class CompareParams:
    """Section `compare` of params.yaml."""

    champion: str
    """Id of the registry entry that this round's candidate must beat; "" before there is one."""
    round: int
    """Which round this is, from 1."""
    policy: str
    """Short hash of the rest of this section, and of the sigmas of OKS, when the round began, see `policy_hash`; ""
    before the first round."""
    ledger: str
    """Head of the registry's ledger when the round began, "" while it is empty: see `dataengine.registry.ledger`."""
    alpha: float
    """Probability that the gate promotes a candidate that it should not, in any of `uses` comparisons together."""
    uses: int
    """Comparisons that one test set may serve; each has an equal share of `alpha`."""
    warn_from: int
    """Number of the use from which on the gate asks for a fresh test set."""
    floor_ap: float
    """AP (0..1) that a first model must reach, by the lower bound of its interval."""
    primary: Primary
    guarded: Guards
    budgets: Budgets
    columns: list[str]
    """Extra columns of the test set's people whose values, or tags, are slices too."""
    level: float
    """Confidence of the intervals that are shown, and of a rejection, 0..1."""
    power: float
    """Probability of a decision for which the number of people still needed is computed."""
    resamples: int
    """Least number of bootstrap resamples; the share of the error may ask for more: see `checks.resamples_for`."""
    cluster: ClusterKind
    """What the verdict is about, and so what is resampled. group: new scenes (groups of pictures; a video or a picture
    of which no group is known is its own). camera: the same scenes by other cameras at other times. time: the same
    scenes by the same cameras at other times."""
    block_frames: int
    """Least frames of a block of time, counted in the video: at least a second or two, for what is alike throughout a
    short film cannot be seen to be alike."""
    neighbours: float
    """Correlation up to which neighbouring clusters pass as independent; those that are more alike are merged."""
    min_clusters: int
    """With fewer clusters than this an interval means nothing, and the verdict is not-enough-evidence."""
    runner: Literal["auto", "engine", "onnx-cuda", "torch-cuda", "onnx-cpu"]
    """What runs both models: the TensorRT engine, the FP16 ONNX file in ONNX Runtime, or PyTorch; auto takes the first
    that runs one batch of both here, in the order engine, onnx-cuda, torch-cuda, onnx-cpu."""
    threads: int
    """Threads ONNX Runtime may use on the CPU."""
    box_jitter: BoxJitter = field(default_factory=BoxJitter)
    """How far off the boxes are in which `AP_jittered` looks for the test people; it is shown and decides nothing."""

    def __post_init__(self) -> None:
        shares = {"alpha": self.alpha, "level": self.level, "power": self.power, "guarded.level": self.guarded.level}
        for name, value in shares.items():
            if not 0 < value < 1:
                raise ParamsError(name, expected="between 0 and 1", got=f"{value:g}")
        for name, value in {"primary.margin": self.primary.margin, "guarded.margin": self.guarded.margin}.items():
            if not 0 <= value <= 1:
                raise ParamsError(name, expected="0 to 1", got=repr(value))
        require_within(self, "floor_ap", 0, 1)
        for name, least in (("round", 1), ("min_clusters", 1), ("threads", 1)):
            if getattr(self, name) < least:
                raise ParamsError(name, expected=f"{least} or more", got=repr(getattr(self, name)))
        if self.guarded.min_people < 0:
            raise ParamsError("guarded.min_people", expected="0 or more", got=repr(self.guarded.min_people))
        if not 1 <= self.warn_from <= self.uses:
            raise ParamsError("warn_from", expected=f"between 1 and uses ({self.uses})", got=str(self.warn_from))
        if self.block_frames < 1 or not 0 <= self.neighbours < 1:
            got = f"{self.block_frames} and {self.neighbours:g}"
            raise ParamsError("block_frames and neighbours", expected="1 or more, and 0 or more and below 1", got=got)
        if self.resamples < 100:
            raise ParamsError("resamples", expected="100 or more", got=str(self.resamples))

    @property
    def share(self) -> float:
        """Error that one comparison may spend.

        Equal shares by Bonferroni's inequality: any `uses` comparisons in a row, even on changing test sets and however
        they depend on each other, promote wrongly with probability `alpha` at most. No round counts more than another.
        """
        return self.alpha / self.uses

    def hash_with(self, oks_sigmas: str) -> str:
        """Short hash of all that decides: the section without what is pinned and without the number of threads, and the
        name of the sigmas."""
        return policy_hash(asdict(self), oks_sigmas)

    def require_pinned_policy(self, oks_sigmas: str) -> None:
        """Raise `ParamsError` where the policy, or the sigmas, are not those that the round was begun with."""
        found = self.hash_with(oks_sigmas)
        if self.policy in ("", found) and (self.policy or not self.ledger):
            return
        raise ParamsError(
            "section compare, or oks, is not the policy that the round was begun with",
            expected=f"hash {self.policy or 'pinned by begin-round'}",
            got=f"{found}, with the sigmas {oks_sigmas}",
            fix="take the change back, or run `dataengine begin-round`: the comparison then spends a share of alpha",
        )


def policy_hash(section: Mapping[str, Any], oks_sigmas: str) -> str:
    """Short hash of a section `compare`, or of one that a verdict kept, and of the name of the sigmas of OKS."""
    deciding = {name: value for name, value in section.items() if name not in PINNED + WITHOUT_EFFECT}
    return short_sha256(digest_of([deciding, oks_sigmas]))
