"""The search for a network's contract: one coordinate after the other, each judged by labelled people.

1. Structure: every reading that the shapes allow, under every order of channels and normalisation, on a few people.
2. Frame and padding, then channels and normalisation, then decoder and pixel grid, each with the others held; all once
   more if the first pass changed what the network is shown.
3. The order of the joints: public ones, those with exchanged sides, and the one that fits best.

Within a step the first of the options that are not clearly worse than the best is taken (`evidence.choose`). What is
clearly worse on a few people is not tried on all.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dataengine.adopted.contract import AnswerForm, Contract, Feed
from dataengine.adopted.opening import OpenNetwork
from dataengine.errors import InputError
from dataengine.keypoints import UNLABELLED
from dataengine.people import Images, People
from dataengine.terminal.progress import track

from .evidence import Choice, OksTable, OptionResult, choose, promising
from .feeds import feeds_of, frames_like, pixels_like
from .forms import variants
from .orders import Order, public_orders
from .trials import Prober, Trial

FEW_PEOPLE = 12
LEAST_SIMILARITY = 0.2  # a joint that is farther off on average is another one
OWN_ORDER = "an order of its own"
MOST_ROUNDS = 2


@dataclass(frozen=True, eq=False)
class FoundContract:
    """The contract under which labelled people are answered best."""

    contract: Contract
    oks: NDArray[np.float64]
    """(n,) of each person, over the labelled joints that the network has."""
    choices: tuple[Choice, ...]


def find_contract(network: OpenNetwork, people: People, images: Images) -> FoundContract:
    """Try the contracts that the network's shapes allow on `people`, every one of whom has a labelled joint.

    Raises:
        InputError: no known form fits the shapes, or a picture cannot be read.
    """
    prober = Prober(network, people, images)
    trial = _structure(prober)
    choices: list[Choice] = []
    for _ in range(MOST_ROUNDS):
        before = trial.feed
        trial, frame = _fed(prober, "frame", trial, frames_like(trial.feed), _frame_name)
        trial, pixels = _fed(prober, "pixels", trial, pixels_like(trial.feed), _pixels_name)
        trial, reading = _read(prober, trial)
        choices = [frame, pixels, reading]
        if trial.feed == before:
            break
    order, choice = _ordered(prober, trial)
    contract = Contract(trial.feed, trial.answers, tuple(int(place) for place in order))
    return FoundContract(contract, _over_known(people, trial.measured.oks(order), order), (*choices, choice))


def _structure(prober: Prober) -> Trial:
    """The best of all structures on the first few people."""
    rows = _few(prober)
    found: list[Trial] = []
    feeds = [feed for whole in (False, True) for feed in feeds_of(prober.network.image, sees_picture=whole)]
    pairs = [
        (pixels, readings) for feed in feeds for readings in [prober.structures(feed)] for pixels in pixels_like(feed)
    ]
    for feed, readings in track(pairs, "structure", unit="feed"):
        found += prober.tried(feed, readings, rows)
    if not found:
        raise _no_form(prober, feeds)
    return max(found, key=lambda trial: trial.measured.best_oks().mean())


def _fed(
    prober: Prober, coordinate: str, trial: Trial, feeds: Sequence[Feed], name: Callable[[Feed], str]
) -> tuple[Trial, Choice]:
    """The best of `feeds`, the reading held: of all on a few people, of those that are left then on everybody."""
    few, everybody = _few(prober), prober.everybody()
    tried = [
        found
        for feed in track(feeds, f"{coordinate}, few people", unit="feed")
        for found in prober.tried(feed, [trial.answers], few)
    ]
    options = [OptionResult(name(found.feed), found.measured.best_oks(), found) for found in tried]
    pieces = prober.pieces[few]
    left = [option.value.feed for option in promising(options, pieces)]
    if len(few) < len(everybody):
        tried = [
            found
            for feed in track(left, f"{coordinate}, all people", unit="feed")
            for found in prober.tried(feed, [trial.answers], everybody)
        ]
    taken, choice = _chosen(prober, coordinate, tried, lambda found: name(found.feed))
    return taken, choice if len(tried) > 1 else choose(coordinate, options, pieces)[1]


def _read(prober: Prober, trial: Trial) -> tuple[Trial, Choice]:
    """The best way to read the answers to one feed."""
    tried = prober.tried(trial.feed, variants(replace(trial.answers, sigmoid=False)), prober.everybody())
    # readings of one answer differ by fractions of a cell, which even frames of one video have independently
    return _chosen(prober, "reading", tried, lambda one: _reading_name(one.answers), prober.people.image_id)


def _chosen(
    prober: Prober,
    coordinate: str,
    trials: Sequence[Trial],
    name: Callable[[Trial], str],
    pieces: NDArray[np.int64] | None = None,
) -> tuple[Trial, Choice]:
    options = [OptionResult(name(trial), trial.measured.best_oks(), trial) for trial in trials]
    taken, choice = choose(coordinate, options, prober.pieces if pieces is None else pieces)
    chosen: Trial = taken.value
    return chosen, choice


def _ordered(prober: Prober, trial: Trial) -> tuple[Order, Choice]:
    """The joint order that the people speak for."""
    people, measured = prober.people, trial.measured
    orders = [*public_orders(trial.answers.joints), (OWN_ORDER, _own_order(people, measured))]
    options = [OptionResult(name, measured.oks(order), order) for name, order in orders]
    taken, choice = choose("joint order", options, prober.pieces)
    order: Order = taken.value
    return order, choice


def _own_order(people: People, measured: OksTable) -> Order:
    """The order that fits best, without joints that nobody has labelled or that are found nowhere near."""
    order, share = measured.best_order(), _label_shares(people).mean(axis=0)
    for joint, place in enumerate(order):
        is_known = place >= 0 and share[joint] > 0
        if not is_known or measured.weighted[:, place, joint].mean() < LEAST_SIMILARITY * share[joint]:
            order[joint] = -1
    return order


def _over_known(people: People, oks: NDArray[np.float64], order: Order) -> NDArray[np.float64]:
    """OKS over the labelled joints that the network has, of an OKS that counts the others as missed."""
    has = _label_shares(people)[:, order >= 0].sum(axis=1)
    return np.asarray(oks / np.where(has > 0, has, 1.0))


def _label_shares(people: People) -> NDArray[np.float64]:
    """Weight (n, 17) of each joint in a person's OKS."""
    labelled = people.visibility > UNLABELLED
    return np.asarray(labelled / np.maximum(labelled.sum(axis=1, keepdims=True), 1))


def _few(prober: Prober) -> NDArray[np.int64]:
    """Rows of a few people, spread over the set."""
    n = len(prober.people)
    return np.unique(np.linspace(0, n - 1, min(FEW_PEOPLE, n)).round().astype(np.int64))


def _no_form(prober: Prober, feeds: Sequence[Feed]) -> InputError:
    tensors = next((answer for answer in map(prober.first_answer, feeds) if answer is not None), {})
    got = ", ".join(f"{name} {tuple(value.shape)}" for name, value in tensors.items()) or "no answer at any size"
    expected = "heatmaps, SimCC axes, coordinates or detections of 11 joints or more"
    return InputError(f"{prober.network.path} answers in no known form", expected=expected, got=got)


def _frame_name(feed: Feed) -> str:
    return feed.frame if feed.sees_picture else f"{feed.frame}, padding {feed.padding:g}"


def _pixels_name(feed: Feed) -> str:
    return f"{feed.channels} {feed.normalisation}"


def _reading_name(answers: AnswerForm) -> str:
    return answers.grid if answers.decode == "value" else f"{answers.decode}, {answers.grid}"
