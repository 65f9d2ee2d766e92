"""The whole search, in order: ask all witnesses, weigh what they say, and judge. What takes long is kept.

A folder keeps the fits of the folds, and the answers of other networks by a hash of what was asked.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.files import atomic_path
from dataengine.inference.network_files import network_hashes
from dataengine.people import Images, People
from dataengine.studies.settings import json_hash

from .exchanges import ExchangeOdds, exchange_odds
from .flags import flag_log_odds
from .folds import networks_witness, scene_folds
from .geometry import PoseRarity
from .hypotheses import Floats, Questions, questions
from .misplaced import MisplacedOdds, misplaced_odds, on_neighbour
from .outsiders import BLAZEPOSE, outsider, outsider_witness
from .params import FindMistakesParams
from .unlabelled import Sighting, sightings, unlabelled_people
from .verdicts import Verdicts, verdicts
from .witness import Witness


@dataclass(frozen=True, eq=False)
class Search:
    """All that was found on n people, and what it was found by."""

    witnesses: list[Witness]
    exchange: dict[str, ExchangeOdds]
    misplaced: MisplacedOdds
    verdicts: Verdicts
    flag: Floats  # (n, 17) log odds that a flag is wrong
    unlabelled: Sighting | None  # None without BlazePose


def search(
    params: FindMistakesParams,
    people: People,
    images: Images,
    *,
    folder: Path,
    outsiders: Mapping[str, Path],
    networks: bool = True,
) -> Search:
    """Judge everybody in `people`; `outsiders` names the folders of networks that are not ours.

    `folder` keeps what takes long. Without `networks` nothing is fitted, and the outsiders and geometry judge alone.
    """
    fold = scene_folds(people, images, params.folds, params.seed)
    asked = questions(people, np.random.default_rng([params.seed, len(people)]))
    witnesses = []
    if networks:
        key = json_hash([params.deciding, labels_hash(people, images)])
        witnesses.append(networks_witness(params, people, images, asked, fold, folder / f"networks-{key}"))
    for name, model in outsiders.items():
        asked_of = [labels_hash(people, images), network_hashes(model)]
        answer = _kept(folder, name, asked_of, _ask(name, people, images, model))
        witnesses.append(outsider_witness(name, answer, people, asked))
    seen = None
    if BLAZEPOSE in outsiders:
        seen = unlabelled_people(kept_sightings(images, outsiders[BLAZEPOSE], folder), people)
    return judge(params, people, asked, witnesses, fold, seen)


def judge(
    params: FindMistakesParams,
    people: People,
    asked: Questions,
    witnesses: list[Witness],
    fold: NDArray[np.int64],
    seen: Sighting | None,
) -> Search:
    """What witnesses and geometry together say of everybody."""
    rarity = PoseRarity(people, fold, np.random.default_rng(params.seed))
    exchange = exchange_odds(people, asked, witnesses, rarity, fold)
    misplaced = misplaced_odds(people, asked, witnesses, rarity, fold)
    verdict = verdicts(exchange, misplaced, on_neighbour(people), asked.labelled, params.prior)
    flag = flag_log_odds(people, asked, witnesses, fold, params.flag_prior)
    return Search(witnesses, exchange, misplaced, verdict, flag, seen)


def kept_sightings(images: Images, models: Path, folder: Path) -> Sighting:
    """`unlabelled.sightings`, kept in `folder`."""

    def see() -> tuple[NDArray[Any], ...]:
        seen = sightings(images, models)
        return seen.image_id, seen.keypoints_px, seen.chance

    key = [images.path.tolist(), images.id.tolist(), network_hashes(models)]
    image_id, keypoints_px, chance = _kept(folder, "sightings", key, see)
    return Sighting(image_id, keypoints_px, chance)


def labels_hash(people: People, images: Images) -> str:
    """Hash of all labels, boxes and pictures' paths, in their order."""
    digest = hashlib.sha256("\n".join(images.path[images.rows_of(people.image_id)].tolist()).encode())
    for array in (people.keypoints_px, people.visibility, people.bbox_xywh_px):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _ask(name: str, people: People, images: Images, model: Path) -> Callable[[], tuple[NDArray[Any], ...]]:
    return lambda: outsider(name, people, images, model)


def _kept(
    folder: Path, name: str, key: object, make: Callable[[], tuple[NDArray[Any], ...]]
) -> tuple[NDArray[Any], ...]:
    path = folder / f"{name}-{json_hash(key)}.npz"
    if not path.is_file():
        with atomic_path(path) as partial:
            np.savez(partial, *make())
    with np.load(path) as arrays:
        return tuple(arrays[f"arr_{index}"] for index in range(len(arrays.files)))
