"""What a comparison measured and decided: the content of verdict.json, which promotion reads and the report draws.

The file is written from `Comparison.as_json` and read by `read_verdict` alone; `Comparison.from_json` is the exact
inverse of `as_json`. Every number is in the unit that its name or comment says; AP, OKS, confidence and shares lie in
0..1.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Self

from dataengine.errors import InputError
from dataengine.evaluation.analysis.interval import Interval
from dataengine.files import RepeatedKeys, read_json
from dataengine.typed_record import RECORDS

VERDICT_FILE = "verdict.json"
_FIX = "run `dataengine compare` again"
# Fields of `Comparison` by the names that the file gives them; the models lie in "models" there.
_KEYS = {"ap": "AP", "champion_ap": "champion_AP"}

Decision = Literal["promote", "reject", "not-enough-evidence"]
CheckKind = Literal["test-set", "primary", "guard", "latency", "size", "calibration"]


@dataclass(frozen=True)
class ReliabilityBin:
    """Predictions of similar confidence, and how right they were."""

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
    figures: Mapping[str, float]  # AP, AP50, ..., PCK@0.2; AP_jittered, AP_detected: the same in other boxes
    joints: Mapping[str, float]  # AP of each joint alone
    latency_ms: Mapping[str, float]  # of one crop, by batch size; empty where the export did not measure it
    machine: str  # what the latency was measured on
    size_bytes: int
    ece: float | None  # expected calibration error of a person's confidence against its OKS
    reliability: tuple[ReliabilityBin, ...]
    errors: tuple[ErrorRow, ...]
    runner: str = ""  # what ran the file, in words; "" in verdicts that are older than this field


@dataclass(frozen=True)
class SliceRow:
    """Both models on a part of the test set."""

    name: str  # "<kind>=<value>", for example "size=large"
    people: int
    images: int
    clusters: float  # effective number
    candidate: Interval | None  # None where there are too few clusters for an interval
    champion: Interval | None
    gain: Interval | None
    guarded: bool  # the policy asks for non-inferiority here


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
    version: str  # `ingest.split.test_version`; "" where no lock file names one
    people: int
    images: int
    clusters: int  # the fewest, where pictures belong together in several ways
    use: int  # number of this comparison, from 1, among those on sets of its version or with one of its pictures
    budget: int  # uses that the policy allows
    spent: float  # error that the earlier ones were allowed, each by the policy of its time
    scale: str = ""  # what the scale of OKS is, in words: see `person_scale`; "" in simulations, which have none
    oks_sigmas: str = ""  # name of the sigmas that OKS counts by; "" likewise


@dataclass(frozen=True)
class Dependence:
    """How alike pictures of the test set are that belong together in one way, in what the comparison asks."""

    kind: Literal["group", "camera", "time"]
    units: int  # groups, cameras, or blocks of time, that hold people
    clusters: int  # of them after neighbours that are too alike were merged: these are resampled whole
    block: int  # groups, or frames of a block of time, in each cluster
    neighbours: float | None  # correlation of neighbouring clusters; None where none has a neighbour
    group_correlation: float | None  # of two people of one unit in the (difference of) logits of OKS
    design_effect: float | None  # variance by these clusters over that by pictures; None for a single cluster


@dataclass(frozen=True)
class PoseCounts:
    """The training set's poses, by which slices ``cluster=``, ``rare=`` and ``novel=`` are cut, and who is in them."""

    clusters_id: str  # the same id, the same clusters: only then may two verdicts' slices be compared
    clusters: int
    rare_clusters: int
    seen_clusters: int  # clusters that the test set shows
    people: int  # people of the test set with a pose
    rare_people: int  # people of those in rare clusters, or novel
    novel_people: int  # people of those farther from every training pose than training people are from each other
    novel_beyond: float  # that distance, in the unit of `dataengine.poses.embedding`
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

    total: float  # for any false promotion within `TestSet.budget` comparisons
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
class ShadowRow:
    """People, or joints of one name, that champion and candidate both answered in production."""

    name: str  # of the joint; "people" for whole poses
    compared: int
    agreed: int
    rate: Interval  # the share that agrees, with Wilson's interval, people taken as independent


@dataclass(frozen=True)
class ShadowEvidence:
    """How often the candidate agreed with the champion in whose shadow it ran; decides nothing."""

    differ_below: float  # OKS from which on two answers agree
    since: str
    until: str
    rows: tuple[ShadowRow, ...]  # people first, then the joints in COCO's order
    outcomes: Mapping[str, int]  # what became of everybody whom the champion answered


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
    correlation: float | None  # of the two models' logits of OKS; decides the power, see docs/results/gate.md
    slices: tuple[SliceRow, ...]
    checks: tuple[Check, ...]
    test: TestSet
    error: Error
    settle: Settle | None  # only where there is not enough evidence and more would help
    warnings: tuple[str, ...]
    policy: Mapping[str, Any]  # section `compare` of params.yaml
    resamples: int  # that were made, as many as the policy's share of the error asks for
    poses: PoseCounts | None = None  # None: compared without the training set's poses
    runner: RunnerUsed | None = None  # None: in verdicts that are older than this field
    dependence: tuple[Dependence, ...] = ()
    shadow: ShadowEvidence | None = None  # None: the candidate was in no shadow of this champion

    @property
    def champion_id(self) -> str:
        """Id of the champion, "" without one."""
        return "" if self.champion is None else self.champion.id

    def as_json(self) -> dict[str, Any]:
        """The content of verdict.json. `candidate` and `champion` are ids there; "" means no champion."""
        record = asdict(self)
        models = {"candidate": record.pop("candidate"), "champion": record.pop("champion")}
        record |= {key: record.pop(name) for name, key in _KEYS.items()}
        ids = {"candidate": self.candidate.id, "champion": self.champion_id}
        return {"verdict": record.pop("verdict"), "reason": record.pop("reason"), **ids, **record, "models": models}

    @classmethod
    def from_json(cls, record: Any, source: str = VERDICT_FILE) -> Self:
        """The inverse of `as_json`; `source` names the file in errors.

        Raises:
            InputError: a key is missing or unknown, a value has another type, or the models do not match the ids.
        """
        try:
            comparison = RECORDS.record(cls, _by_field(record), "verdict")
        except InputError as error:
            raise InputError(
                f"{source} is not a verdict of `dataengine compare`: {error.what}",
                expected=error.expected,
                got=error.got,
                fix=_FIX,
            ) from error
        for who, model_id in (("candidate", comparison.candidate.id), ("champion", comparison.champion_id)):
            if record[who] != model_id:
                raise InputError(
                    f"{source} names another {who} than it measured",
                    expected=model_id,
                    got=str(record[who]),
                    fix=_FIX,
                )
        return comparison


def read_verdict(path: Path) -> Comparison:
    """The comparison that the file `path` holds; anything else is an `InputError` of one line."""
    return Comparison.from_json(read_json(path), str(path))


def _by_field(record: Any) -> Any:
    """The file's content under the names of the fields of `Comparison`."""
    _require(record, ("candidate", "champion", "models", *_KEYS.values()), "verdict")
    models = record["models"]
    _require(models, ("candidate", "champion"), "verdict.models")
    renamed = {name: record[key] for name, key in _KEYS.items()}
    others = {key: value for key, value in record.items() if key not in ("models", *_KEYS.values())}
    return {**others, **renamed, "candidate": models["candidate"], "champion": models["champion"]}


def _require(record: Any, keys: tuple[str, ...], where: str) -> None:
    if not isinstance(record, Mapping) or isinstance(record, RepeatedKeys):
        raise InputError(where, expected="a mapping with each key once")
    missing = [key for key in keys if key not in record]
    if missing:
        raise InputError(f"{where} lacks a key", expected=", ".join(missing))
