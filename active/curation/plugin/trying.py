"""Picks by another rule, budget or weight, from what `select` has kept: no network runs, nothing is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.coco_json import read_people
from dataengine.errors import InputError
from dataengine.params import load_section
from dataengine.people import People
from dataengine.typed_record import TypedReader

from ...manifest.files import MANIFEST, SCORED, read_manifest
from ...query.budget import image_costs
from ...query.embeddings import joint_embedding
from ...query.expected_loss import weighted_mean
from ...query.pick_inputs import PICK_INPUTS, PickInputs
from ...query.picking import PickRules, candidate_images, pick_images
from ...query.select_params import ScoreWeights, SelectParams
from ...query.uncertainty import combine_by_rank, person_mean
from .place import ProjectPlace

RULE = ("strategy", "budget", "film_excess", "appearance_weight", "min_gap_frames", "seed")
"""Keys of section `select` that may be tried, besides those of `weights`."""
_READER = TypedReader(InputError, fix="see docs/selection.md")


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What a rule picks."""

    sha256: tuple[str, ...]
    """Most wanted first."""
    present: frozenset[str]
    """What `select` has picked."""
    spent: float
    """In the budget's unit."""
    films: int

    @property
    def new(self) -> int:
        """Picks that `select` has not made."""
        return len(set(self.sha256) - self.present)


def stated(place: ProjectPlace) -> SelectParams:
    """Section `select` of the project's params."""
    return load_section(place.params, "select", SelectParams)


def with_changes(params: SelectParams, changes: Mapping[str, Any]) -> SelectParams:
    """The params with some of `RULE` and of the weights exchanged; None means unchanged.

    Raises:
        InputError: a key may not be tried, or a value is of the wrong kind.
        ParamsError: a value is out of range.
    """
    own = {key: value for key, value in changes.items() if value is not None}
    unknown = sorted(set(own) - {*RULE, *asdict(params.weights)})
    if unknown:
        raise InputError(f"select.{unknown[0]} cannot be tried", expected=", ".join([*RULE, *asdict(params.weights)]))
    weights = {**asdict(params.weights), **{key: own.pop(key) for key in list(own) if key not in RULE}}
    for key in ("min_gap_frames", "seed"):
        if isinstance(own.get(key), float) and own[key] == int(own[key]):
            own[key] = int(own[key])  # the App sends every number as a float
    everything = {**asdict(params), **own, "weights": weights}
    return _READER.record(SelectParams, everything, "select")


def try_rule(place: ProjectPlace, params: SelectParams) -> Tried:
    """Pick by `params`; with those that `select` had, its very picks.

    Raises:
        InputError: the selection does not hold what is needed, or a weight is given to a score that was not computed.
    """
    scored, images = read_people(place.selection / SCORED, root=place.project)
    present = frozenset(read_manifest(place.selection / MANIFEST)["images"])
    if not len(scored):
        return Tried(sha256=(), present=present, spent=0.0, films=0)
    kept = PickInputs.read(place.selection / PICK_INPUTS)
    if len(kept.shown_elsewhere) != len(images) or len(kept.pose) < len(scored):
        raise InputError(f"{place.selection} holds files of two selections", fix="run `dataengine select` again")
    scored = replace(scored, extras={**scored.extras, "worth": worth(scored, kept, params.weights)})
    choice = candidate_images(scored, images)
    choice = choice.take(~kept.shown_elsewhere[choice.image_row])
    embeddings, covered = np.split(joint_embedding(kept.pose, kept.appearance, params.appearance_weight), [len(scored)])
    costs = image_costs(params.budget_unit, choice.people, kept.joints, kept.seconds_per_joint)
    rules = PickRules(
        strategy=params.strategy,
        budget=params.budget,
        min_gap_frames=params.min_gap_frames,
        film_excess=params.film_excess,
        seed=params.seed,
    )
    picked = pick_images(choice, images, embeddings, covered, costs, rules)
    return Tried(
        sha256=tuple(choice.sha256[picked].tolist()),
        present=present,
        spent=round(float(costs[picked].sum()), 4),
        films=len(set(images.video[choice.image_row[picked]].tolist())),
    )


def worth(scored: People, kept: PickInputs, weights: ScoreWeights) -> NDArray[np.float64]:
    """What labels of each person (n,) are worth by other weights, as `scored_people` computes it."""
    shares = asdict(weights)
    asked = [name for name, share in shares.items() if share > 0 and name != "rarity"]
    known = {name: kept.expected[name] for name in asked if name in kept.expected}
    missing = [name for name in asked if name not in scored.extras]
    rarity = scored.extras.get("rarity", np.full(len(scored), np.nan)).astype(np.float64)
    if shares["rarity"] > 0 and np.isnan(rarity).all():
        missing.append("rarity")
    if missing:
        fix = f"set select.weights.{missing[0]} in params.yaml and run `dataengine select`"
        raise InputError(f"the score {missing[0]} was not computed by select", fix=fix)
    if not asked:
        uncertainty = np.ones(len(scored))
    elif kept.expected:
        uncertainty = np.nan_to_num(person_mean(weighted_mean(known, shares))) if known else np.zeros(len(scored))
    else:
        uncertainty = combine_by_rank({name: scored.extras[name].astype(np.float64) for name in asked}, shares)
    return np.round(uncertainty * (1 + shares["rarity"] * np.nan_to_num(rarity)), 6)


def as_yaml(params: SelectParams, present: SelectParams) -> str:
    """The lines of section `select` that differ from the present ones; "" where none does."""
    changed = [key for key in RULE if getattr(params, key) != getattr(present, key)]
    lines = [f"  {key}: {_plain(getattr(params, key))}" for key in changed]
    weights = _changed_weights(params, present)
    if weights:
        lines += ["  weights:", *(f"    {key}: {_plain(value)}" for key, value in weights.items())]
    return "\n".join(["select:", *lines]) if lines else ""


def as_options(params: SelectParams, present: SelectParams) -> str:
    """The same as options of `dvc exp run`."""
    changed = {key: getattr(params, key) for key in RULE if getattr(params, key) != getattr(present, key)}
    changed |= {f"weights.{key}": value for key, value in _changed_weights(params, present).items()}
    return " ".join(f"-S select.{key}={_plain(value)}" for key, value in changed.items())


def _changed_weights(params: SelectParams, present: SelectParams) -> dict[str, float]:
    before = asdict(present.weights)
    return {key: value for key, value in asdict(params.weights).items() if value != before[key]}


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
