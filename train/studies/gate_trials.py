"""Trials of the gate on simulated models, whose true difference is known: one campaign or one comparison at a time.

The population is that of `dataengine.evaluation.analysis.simulation`, people shown in their boxes as the gate shows
them; `evidence.resample` and `verdict.judge` decide, as in a real comparison, with the policy's resamples: `compare`
makes more where the bound needs them, which only takes noise from it. Blocks of trials are kept on disk, so that a run
that was stopped continues where it was.
"""

import hashlib
import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from dataengine.evaluation.analysis.image_clusters import Units
from dataengine.evaluation.analysis.simulation import (
    GROUP_CORRELATION,
    MORE_PEOPLE,
    SimulatedPeople,
    SimulatedSet,
    drawn_people,
    simulated_model,
)
from dataengine.evaluation.ap.matching import Matches, average_precision
from dataengine.files import read_json, write_json

from ..gate.comparison import TestSet
from ..gate.evidence import WHOLE, Evidence, resample
from ..gate.independence import clusters_for
from ..gate.policy import CompareParams
from ..gate.verdict import judge

BLOCK = 25  # trials that one worker takes at a time; a run that is stopped loses no more for each worker
VIDEO_IMAGES = 5  # images of a cluster where frames are simulated
HARD_SHARE = 1 / 3  # of the people: the slice that the simulated guards are on
SCREEN_RESAMPLES = 100  # of a first look: the spread to within 7 %
SCREEN_Z = 1.5  # which ends the trial unless the gain is this many standard errors above the threshold
POPULATION_IMAGES = 200_000
GRID = (0.0, 0.05, 0.1, 0.15, 0.2)  # logits of OKS

Kind = Literal["photos", "video"]
Grouping = Literal["known", "in order", "unknown"]
GROUPINGS: tuple[Grouping, ...] = get_args(Grouping)


@dataclass(frozen=True)
class Setting:
    """What is simulated."""

    kind: Kind
    """Independent images, or clusters of `VIDEO_IMAGES` frames that are alike."""
    people: int
    """Number of people in the test set, on average."""
    correlation: float
    """Correlation of two models' logits of OKS."""
    gain: float
    """True gain of every candidate, AP 0..1."""
    rounds: int
    """Candidates that are compared with one champion on one test set."""
    group_correlation: float = GROUP_CORRELATION
    """Correlation of two people of one group in the difference of two models' logits of OKS."""
    groups: Grouping = "known"
    """Whether the gate knows them, or takes each picture for its own: those of a group one after the other by name, or
    under names that say nothing."""

    def drawn_like(self) -> SimulatedSet:
        """The simulated set with about `people` people."""
        images = VIDEO_IMAGES if self.kind == "video" else 1
        clusters = max(1, round(self.people / (1 + MORE_PEOPLE) / images))
        return SimulatedSet(
            clusters,
            images,
            correlation=self.correlation,
            group_correlation=self.group_correlation,
            in_labelled_boxes=True,
        )

    def units(self, people: SimulatedPeople, rng: np.random.Generator) -> Units:
        """What the gate takes for groups."""
        pictures = np.arange(len(people.persons))
        place = {"known": people.cluster, "in order": pictures, "unknown": rng.permutation(pictures)}[self.groups]
        return Units("group", np.zeros_like(place), place)


@dataclass(frozen=True)
class Block:
    """Some trials of a setting under a policy."""

    setting: Setting
    policy: CompareParams
    logits: float
    """The setting's gain in logits of OKS."""
    seed: int
    first: int
    """Number of the first trial."""
    count: int
    state: Path
    """Folder for finished blocks."""
    until: float = math.inf
    """Time (`time.time()`) after which no block begins."""

    @property
    def file(self) -> Path:
        """File of the outcome, named by everything that it depends on except the code."""
        facts = (asdict(self.setting), asdict(self.policy), self.logits, self.seed, self.first, self.count)
        return self.state / f"{hashlib.sha256(repr(facts).encode()).hexdigest()[:20]}.json"


@dataclass(frozen=True)
class CampaignOutcome:
    """What came of one campaign."""

    promoted: bool
    """Whether any candidate was promoted."""
    without_shares: bool
    """Whether any candidate would have been, if each round took its own interval of confidence `policy.level`."""


def run_block(block: Block) -> list[CampaignOutcome]:
    """The trials of `block`, read from its file if that exists; none if it is too late to begin."""
    if block.file.exists():
        return [CampaignOutcome(**record) for record in read_json(block.file)]
    if time.time() > block.until:
        return []
    trials = [_campaign(block, number) for number in range(block.first, block.first + block.count)]
    write_json(block.file, [asdict(trial) for trial in trials])
    return trials


def logits_of_gain(gains: list[float], seed: int) -> dict[float, float]:
    """Logits of OKS that make each true gain in AP, interpolated on a large set with the same random draws for all."""
    images = SimulatedSet(POPULATION_IMAGES, in_labelled_boxes=True)
    people = drawn_people(images, np.random.default_rng([seed, 0]))
    ap = [average_precision(simulated_model(people, logit, np.random.default_rng([seed, 1]))) for logit in GRID]
    return {gain: float(np.interp(gain, np.array(ap) - ap[0], GRID)) for gain in gains}


def _campaign(block: Block, number: int) -> CampaignOutcome:
    setting = block.setting
    kind, thousandths = ("photos", "video").index(setting.kind), (setting.correlation, setting.group_correlation)
    facts = [*(round(1000 * each) for each in thousandths), round(1e4 * setting.gain)]
    key = [block.seed, kind, setting.people, *facts, number]  # the same models whether the groups are known or not
    rng = np.random.default_rng(key)
    people = drawn_people(setting.drawn_like(), rng)
    hard = people.ease < np.quantile(people.ease, HARD_SHARE)
    champion = simulated_model(people, 0.0, rng)
    units = setting.units(people, np.random.default_rng([*key, 0]))
    promoted = without_shares = False
    for use in range(1, setting.rounds + 1):
        candidate = simulated_model(people, block.logits, rng)
        outcome = _decided(
            block.policy, people, units, hard=hard, candidate=candidate, champion=champion, use=use, key=[*key, use]
        )
        promoted, without_shares = promoted or outcome[0], without_shares or outcome[1]
        if promoted and without_shares:
            break
    return CampaignOutcome(promoted, without_shares)


def _decided(
    policy: CompareParams,
    people: SimulatedPeople,
    units: Units,
    *,
    hard: NDArray[np.bool_],
    candidate: Matches,
    champion: Matches,
    use: int,
    key: list[int],
) -> tuple[bool, bool]:
    """Whether this candidate is promoted, and whether it would be without shares of the error.

    Most candidates that are not better end at a first look, which can only refuse. The guards are drawn only if the
    whole set promotes, and from the same clusters, since the key is the same.
    """
    whole = {WHOLE: candidate}, {WHOLE: champion}
    threshold = policy.primary.threshold
    clusters, (dependence,) = clusters_for([units], candidate, champion, limit=policy.neighbours)
    first = resample(*whole, clusters, resamples=SCREEN_RESAMPLES, rng=_rng(key), threads=1)[WHOLE]
    assert first.gain is not None
    if first.gain.value <= threshold + SCREEN_Z * np.std(first.gain.draws):
        return False, False
    measured = resample(*whole, clusters, resamples=policy.resamples, rng=_rng(key), threads=1)
    gain = measured[WHOLE].gain
    assert gain is not None
    without_shares = gain.interval(policy.level).low > threshold
    test = TestSet(
        sha256="",
        version="",
        people=len(people.image),
        images=len(people.persons),
        clusters=dependence.clusters,
        use=use,
        budget=policy.uses,
        spent=(use - 1) * policy.share,
    )
    unguarded = replace(policy, guarded=replace(policy.guarded, slices=[]))
    promoted = judge(unguarded, Evidence(test, measured, None, 0, None)).decision == "promote"
    if promoted and policy.guarded.slices:
        parts = _parts(people, hard, candidate), _parts(people, hard, champion)
        measured = resample(*parts, clusters, resamples=policy.resamples, rng=_rng(key), threads=1)
        guarded = replace(policy, guarded=replace(policy.guarded, slices=["occlusion=*"]))
        promoted = judge(guarded, Evidence(test, measured, None, 0, None)).decision == "promote"
    return promoted, without_shares


def _rng(key: list[int]) -> np.random.Generator:
    return np.random.default_rng(key)


def _parts(people: SimulatedPeople, hard: NDArray[np.bool_], matches: Matches) -> Mapping[str, Matches]:
    """The whole set, and the guarded slices: the people who are hardest for every model, and the others."""
    return {
        WHOLE: matches,
        "occlusion=some": _of_people(people, hard, matches),
        "occlusion=none": _of_people(people, ~hard, matches),
    }


def _of_people(people: SimulatedPeople, members: NDArray[np.bool_], matches: Matches) -> Matches:
    """Members alone, as in `slices.slice_matches`: a false detection counts only in an image with a member."""
    persons = np.bincount(people.image[members], minlength=len(people.persons))
    owner = matches.detection  # one detection of each person, in the order of the people
    is_true = matches.is_true & members[owner]
    is_false = matches.is_false & (persons > 0)[matches.detection_image]
    is_kept = (is_true | is_false).any(axis=0)
    return replace(
        matches,
        persons=persons,
        detection=owner[is_kept],
        detection_image=matches.detection_image[is_kept],
        score=matches.score[is_kept],
        person=matches.person[:, is_kept],
        is_true=is_true[:, is_kept],
        is_false=is_false[:, is_kept],
    )
