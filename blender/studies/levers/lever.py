"""A lever: what is changed about the renders, or about how they are shown to the fit. And the file that lists them."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dataengine.errors import ParamsError
from dataengine.params import PARAMS, parse_value

from .chosen import ShownChoice

BASE = "base"
SHIPPED = Path(__file__).with_name("levers.yaml")
_OWNED_RENDER = ("images",)
_OWNED_FIT = (
    "seed",
    "epochs",
    "people_per_epoch",
    "start_from",
    "pretrained",
    "curriculum",
    "only",
    "replay",
    "old_test",
)


@dataclass(frozen=True)
class Lever:
    """One change of the base."""

    images: int | None = None
    """Number of pictures; null for the base's."""
    render: dict[str, Any] = field(default_factory=dict)
    """Keys of section `render` with other values; nested keys one by one. Empty: the base's own pictures."""
    keep: ShownChoice = field(default_factory=ShownChoice)
    """Pictures that are kept, by what they show: as many as `images`, of all that the base has."""
    fit: dict[str, Any] = field(default_factory=dict)
    """Keys of section `fit-teacher` with other values, such as augment.background_share."""

    def __post_init__(self) -> None:
        if self.images is not None and self.images < 1:
            raise ParamsError("images", expected="1 or more, or null", got=repr(self.images))
        for name, values, owned in (("render", self.render, _OWNED_RENDER), ("fit", self.fit, _OWNED_FIT)):
            if taken := sorted(set(values) & set(owned)):
                raise ParamsError(name, expected=f"no {', '.join(owned)}: the study sets them", got=taken[0])


@dataclass(frozen=True)
class Levers:
    """The levers by name, the base among them, and the number of pictures of the base."""

    images: int
    levers: dict[str, dict[str, Any]]

    def __post_init__(self) -> None:
        if self.images < 1:
            raise ParamsError("images", expected="1 or more", got=repr(self.images))
        if self.levers.get(BASE) != {}:
            raise ParamsError("levers", expected=f"an empty one called {BASE}", got=repr(self.levers.get(BASE)))


def read_levers(path: Path) -> dict[str, Lever]:
    """The levers of a YAML file as `SHIPPED` is one, each with its number of pictures.

    Raises:
        ParamsError: an unknown key, a value of the wrong kind, or no base.
    """
    document = parse_value(path.read_text(encoding="utf-8"))
    listed = PARAMS.record(Levers, document, str(path))
    found = {name: PARAMS.record(Lever, value, f"{path}: {name}") for name, value in listed.levers.items()}
    return {name: replace(lever, images=lever.images or listed.images) for name, lever in found.items()}


def laid_over(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`values` with `changes`, nested mappings key by key.

    >>> laid_over({"camera": {"focal_mm": 24, "roll_deg": 5}, "seed": 1}, {"camera": {"roll_deg": 0}})
    {'camera': {'focal_mm': 24, 'roll_deg': 0}, 'seed': 1}
    """
    merged = copy.deepcopy(dict(values))
    for name, change in changes.items():
        nested = isinstance(change, Mapping) and isinstance(merged.get(name), Mapping)
        merged[name] = laid_over(merged[name], change) if nested else copy.deepcopy(change)
    return merged
