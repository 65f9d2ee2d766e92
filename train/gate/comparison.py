"""What a comparison measured and decided: the content of verdict.json, which promotion reads and the report draws.

`Comparison.as_json` and `Comparison.from_json` are exact inverses. Every number is in the unit that its name or comment
says; AP, OKS, confidence and shares lie in 0..1.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

from dataengine.errors import InputError
from dataengine.evaluation.bootstrap import Interval

Decision = Literal["promote", "reject", "not-enough-evidence"]
CheckKind = Literal["test-set", "primary", "guard", "latency", "size", "calibration"]


@dataclass(frozen=True)
class ReliabilityBin:
    """Predictions of about one confidence, and how right they were."""

    confidence: float  # mean of the bin
    oks: float  # mean of the bin
    count: int


@dataclass(frozen=True)
class ErrorRow:
    """One kind of error (jitter, inversion, swap, miss, score, background)."""

    name: str
    count: int
    ap_cost: float  # AP that would be gained if there were none


@dataclass(frozen=True)
class ModelFigures:
    """One model on the test set, as the exported file that ships."""

    id: str
    file: str  # which of the exported files was run
    figures: Mapping[str, float]  # AP, AP50, ..., PCK@0.2
    joints: Mapping[str, float]  # AP of each joint alone
    latency_ms: Mapping[str, float]  # of one crop, by batch size; empty where the export did not measure it
    machine: str  # what the latency was measured on
    size_bytes: int
    ece: float | None  # expected calibration error of a person's confidence against its OKS
    reliability: tuple[ReliabilityBin, ...]
    errors: tuple[ErrorRow, ...]
    runner: str = ""  # what ran the file, in words; "" in verdicts of before it was noted

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """The inverse of `asdict`."""
        nested = {
            "reliability": tuple(ReliabilityBin(**row) for row in record["reliability"]),
            "errors": tuple(ErrorRow(**row) for row in record["errors"]),
        }
        return cls(**{**record, **nested})


@dataclass(frozen=True)
class SliceRow:
    """Both models on a part of the test set."""

    name: str  # "<kind>/<value>", for example "size/large"
    people: int
    images: int
    clusters: float  # effective number
    candidate: Interval | None  # None where there are too few clusters for an interval
    champion: Interval | None
    gain: Interval | None
    guarded: bool  # the policy asks for non-inferiority here

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """The inverse of `asdict`."""
        return cls(**{**record, **{who: _interval(record[who]) for who in ("candidate", "champion", "gain")}})


@dataclass(frozen=True)
class Check:
    """One demand of the policy."""

    name: str
    kind: CheckKind
    measured: float | None  # None where it could not be measured
    limit: float
    passed: bool | None  # None: the evidence allows neither yes nor no
    sentence: str


@dataclass(frozen=True)
class TestSet:
    """The frozen test set and how worn it is."""

    __test__ = False  # not a class of tests, whatever pytest thinks of its name

    sha256: str
    people: int
    images: int
    clusters: int
    use: int  # this comparison is the so-manieth on this set
    budget: int  # uses that the policy allows


@dataclass(frozen=True)
class Poses:
    """The training set's pose clusters, by which slices ``cluster=`` and ``rare=`` are cut, and who falls in them."""

    clusters_id: str  # the same id, the same clusters: only then may two verdicts' slices be compared
    clusters: int
    rare_clusters: int
    seen_clusters: int  # that the test set shows
    people: int  # of the test set, with a pose
    rare_people: int  # of those, in rare clusters
    without_pose: int  # people of the test set with too few labelled joints


@dataclass(frozen=True)
class RunnerUsed:
    """What ran all models of the comparison."""

    name: str
    words: str
    file: str
    passed_over: Mapping[str, str]  # why each runner before it in the order of preference did not run, by name


@dataclass(frozen=True)
class Error:
    """Probability of a false promotion that the policy grants, and what is left of it on this test set."""

    total: float  # of any false promotion within `TestSet.budget` comparisons
    this_round: float
    spent: float  # by this comparison and the earlier ones
    left: float


@dataclass(frozen=True)
class Settle:
    """How many more labelled people would settle an open question, if the gain stays as it was measured."""

    people: int
    clusters: int
    outcome: Literal["promote", "reject"]
    assumption: str


@dataclass(frozen=True)
class Comparison:
    """A verdict with everything that it rests on."""

    verdict: Decision
    reason: str
    round: int
    candidate: ModelFigures
    champion: ModelFigures | None  # None: the candidate is the first model
    ap: Interval  # of the candidate
    champion_ap: Interval | None
    gain: Interval | None  # of the candidate over the champion, `policy.level` two-sided
    correlation: float | None  # of the two models' logits of OKS; tells the power, see docs/results/gate.md
    slices: tuple[SliceRow, ...]
    checks: tuple[Check, ...]
    test: TestSet
    error: Error
    settle: Settle | None  # only where evidence lacks and more of it would help
    warnings: tuple[str, ...]
    policy: Mapping[str, Any]  # section `compare` of params.yaml
    poses: Poses | None = None  # None: the comparison was given no pose clusters
    runner: RunnerUsed | None = None  # None: in verdicts of before it was noted

    def as_json(self) -> dict[str, Any]:
        """The content of verdict.json. `candidate` and `champion` are ids there, "" for no champion."""
        record = asdict(self)
        models = {"candidate": record.pop("candidate"), "champion": record.pop("champion")}
        record |= {"AP": record.pop("ap"), "champion_AP": record.pop("champion_ap")}
        ids = {who: "" if model is None else model["id"] for who, model in models.items()}
        return {"verdict": record.pop("verdict"), "reason": record.pop("reason"), **ids, **record, "models": models}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """Read the content of verdict.json. Raises `InputError` where it is not one."""
        try:
            champion, settle = record["models"]["champion"], record["settle"]
            poses, runner = (
                record.get("poses"),
                record.get("runner"),
            )  # verdicts from before them are still read
            return cls(
                verdict=record["verdict"],
                reason=record["reason"],
                round=record["round"],
                candidate=ModelFigures.from_json(record["models"]["candidate"]),
                champion=None if champion is None else ModelFigures.from_json(champion),
                ap=Interval(**record["AP"]),
                champion_ap=_interval(record["champion_AP"]),
                gain=_interval(record["gain"]),
                correlation=record["correlation"],
                slices=tuple(SliceRow.from_json(row) for row in record["slices"]),
                checks=tuple(Check(**row) for row in record["checks"]),
                test=TestSet(**record["test"]),
                error=Error(**record["error"]),
                settle=None if settle is None else Settle(**settle),
                warnings=tuple(record["warnings"]),
                policy=record["policy"],
                poses=None if poses is None else Poses(**poses),
                runner=None if runner is None else RunnerUsed(**runner),
            )
        except (KeyError, TypeError) as error:
            got = f"missing key {error}" if isinstance(error, KeyError) else str(error)
            raise InputError("this is no verdict", got=got, mend="run `dataengine compare` again") from error


def _interval(record: Mapping[str, float] | None) -> Interval | None:
    return None if record is None else Interval(**record)
