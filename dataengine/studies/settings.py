"""What a study's command line asks for, checked: `--set`, `--seed`, `--stage`; and the mark in a trial's name."""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError, ParamsError
from dataengine.params import parse_value

FIT_STAGES = ("fit-teacher", "fit-student")
"""The stages of dvc.yaml that fit a network, in their order: a study compares what one of them makes."""
NULL = "null"
"""How params.yaml writes "no value"."""
FINGERPRINT_DIGITS = 8


def parse_settings(settings: Sequence[str], owned: Collection[str]) -> dict[str, str]:
    """Key -> value of each ``section.key=value`` of `--set`; the last value of a key counts.

    The + or ++ that `dvc exp run -S` takes before a key is left out: experiments are given every param with ++.

    Raises:
        InputError: one has another form, or its key is in `owned`: params that the study sets itself.

    >>> parse_settings(["fit.epochs=2", "++mix.seed=1", "fit.epochs=3"], owned=["mix.synthetic_per_real"])
    {'fit.epochs': '3', 'mix.seed': '1'}
    """
    parsed = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        key = key.lstrip("+")
        if not equals or "." not in key or key in owned:
            raise InputError(
                "--set cannot be used",
                expected="section.key=value, not a param that an option of the study sets",
                got=setting,
            )
        parsed[key] = value
    return parsed


def assignments(params: Mapping[str, str]) -> list[str]:
    """``key=value`` of each param, as `--set` takes them."""
    return [f"{key}={value}" for key, value in params.items()]


def with_settings(
    document: Mapping[str, Any], sections: Collection[str], settings: Mapping[str, str]
) -> dict[str, Any]:
    """The `sections` of a params.yaml with ``section.key`` -> value laid over them, values as in YAML.

    Raises:
        ParamsError: a key lies below one that is not a mapping, in the file or by an earlier setting.

    >>> document = {"fit": {"batch": 32}, "render": {}}
    >>> with_settings(document, ["fit"], {"fit-teacher.epochs": "2", "fit.losses.oks": "1.0"})
    {'fit': {'batch': 32, 'losses': {'oks': 1.0}}, 'fit-teacher': {'epochs': 2}}
    """
    laid: dict[str, Any] = {name: dict(document[name] or {}) for name in sections if name in document}
    for key, value in settings.items():
        *way, last = key.split(".")
        place = laid
        for step in way:
            below = place.get(step)
            if not isinstance(below, dict | None):
                fix = f"leave out what sets {step} to one value"
                raise ParamsError(f"{key} cannot be set", expected=f"{step}: a mapping", got=repr(below), fix=fix)
            place[step] = place = dict(below or {})
        place[last] = parse_value(value)
    return laid


def section_of(key: str) -> str:
    """The section of params.yaml that a param lies in."""
    return key.partition(".")[0]


def parse_seeds(seeds: Sequence[int]) -> tuple[int, ...]:
    """Each seed once, in the order given. Raises InputError for a negative one."""
    if min(seeds) < 0:
        raise InputError("--seed is negative", expected="0 or more", got=str(min(seeds)))
    return tuple(dict.fromkeys(seeds))


def parse_stage(stage: str) -> str:
    """`stage`; InputError if it does not fit a network."""
    if stage not in FIT_STAGES:
        raise InputError("--stage is unknown", expected=" | ".join(FIT_STAGES), got=stage)
    return stage


def json_hash(decides: object) -> str:
    """A short hash of any JSON value: in a trial's name, of what decides the trial's result."""
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:FINGERPRINT_DIGITS]


def arrays_hash(arrays: Iterable[NDArray[Any] | np.generic]) -> str:
    """A hash of the type, the shape and every number of each array, in their order."""
    digest = hashlib.sha256()
    for array in map(np.ascontiguousarray, arrays):
        digest.update(f"{array.dtype.str} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
