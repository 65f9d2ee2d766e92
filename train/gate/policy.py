"""Section `compare` of params.yaml: what the gate asks of a candidate, and the error that the answer may spend."""

from dataclasses import dataclass, field
from typing import Literal

from dataengine.errors import ParamsError
from dataengine.evaluation.analysis.image_clusters import ClusterKind
from dataengine.evaluation.jittered_boxes import BoxJitter
from dataengine.files import short_sha256


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


@dataclass(frozen=True)
class CompareParams:
    """Section `compare` of params.yaml."""

    champion: str
    """Id of the registry entry that this round's candidate must beat; "" before there is one."""
    round: int
    """Which round this is, from 1."""
    test_uses: dict[str, int]
    """Number of comparisons that each test set had served when the round began, by the first digits of its hash."""
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
    """Number of bootstrap resamples."""
    cluster: ClusterKind
    """What is resampled: images, blocks of frames of a video, whole videos, or the same frames of all videos."""
    block_frames: int
    """Frames of a block, counted in the video."""
    min_clusters: int
    """With fewer clusters than this an interval means nothing, and the verdict is not-enough-evidence."""
    runner: Literal["auto", "engine", "onnx-cuda", "torch-cuda", "onnx-cpu"]
    """What runs both models: the TensorRT engine, the FP16 ONNX file in ONNX Runtime, or PyTorch; auto takes the first
    that runs one batch of both here, in the order engine, onnx-cuda, torch-cuda, onnx-cpu."""
    threads: int
    """Threads ONNX Runtime may use on the CPU."""
    seed: int
    box_jitter: BoxJitter = field(default_factory=BoxJitter)
    """How far off the boxes are in which `AP_jittered` looks for the test people; it is shown and decides nothing."""

    def __post_init__(self) -> None:
        shares = {"alpha": self.alpha, "level": self.level, "power": self.power, "guarded.level": self.guarded.level}
        for name, value in shares.items():
            if not 0 < value < 1:
                raise ParamsError(name, expected="between 0 and 1", got=f"{value:g}")
        if min(self.primary.margin, self.guarded.margin) < 0:
            raise ParamsError("primary.margin and guarded.margin", expected="0 or more")
        if not 1 <= self.warn_from <= self.uses:
            raise ParamsError("warn_from", expected=f"between 1 and uses ({self.uses})", got=str(self.warn_from))
        if self.resamples < 100:
            raise ParamsError("resamples", expected="100 or more", got=str(self.resamples))
        if any(not isinstance(n, int) or n < 0 for n in self.test_uses.values()):
            raise ParamsError("test_uses", expected="a whole number for each hash", fix="run `dataengine begin-round`")

    @property
    def share(self) -> float:
        """Error that one comparison may spend.

        Equal shares are the linear spending function of Lan & DeMets (1983, "Discrete sequential boundaries for
        clinical trials", alpha * t): no round counts more than another, and any `uses` comparisons in a row, even on
        changing test sets, promote wrongly with probability `alpha` at most (Bonferroni: under any dependence).
        """
        return self.alpha / self.uses

    def earlier_uses(self, test_sha256: str) -> int:
        """Number of comparisons that this test set had served before this round."""
        return int(self.test_uses.get(short_sha256(test_sha256), 0))
