"""The params of `--set`, checked before the first round: a key or value that no stage takes would fail after a fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dataengine.errors import InputError, ParamsError
from dataengine.params import parse_value

SECTIONS = ("fit", "fit-student", "render", "balance", "mix", "pseudo-label", "select", "requests", "request", "export",
            "compare", "promote", "oks")  # fmt: skip
"""What the commands of a round read."""
OWNED = frozenset(
    {"render.images", "fit.seed", "fit.epochs", "mix.seed", "mix.only", "mix.labels", "mix.synthetic_images",
     "fit-student.seed", "fit-student.epochs", "fit-student.people_per_epoch", "fit-student.only", "select.seed",
     "select.budget", "select.budget_unit", "select.fiftyone", "requests.folder", "requests.open", "requests.kept",
     "request.renders", "compare.champion", "compare.round", "compare.policy", "compare.ledger"}
)  # fmt: skip
"""What the campaign's options, or its own bookkeeping, decide."""
_BASE = {"fit-student": "fit"}
_KINDS = ((bool, "true or false"), ((int, float), "a number"), (str, "a text"), (list, "a list"), (dict, "a mapping"))


def check_overrides(document: Mapping[str, Any], settings: Mapping[str, str]) -> None:
    """Compare each setting with the project's own params.

    Args:
        document: the project's params.yaml.
        settings: ``section.key`` or ``section.key.key`` -> value as YAML.

    Raises:
        InputError: a key that params.yaml does not have, or a value of another kind than its own.
    """
    for key, text in settings.items():
        section, *names = key.split(".")
        if section not in SECTIONS:
            raise InputError("--set changes what no round reads", expected=" | ".join(SECTIONS), got=key)
        known: Any = {**(document.get(_BASE.get(section, "")) or {}), **(document.get(section) or {})}
        for depth, name in enumerate(names):
            if not isinstance(known, dict) or name not in known:
                above = ".".join([section, *names[:depth]])
                keys = ", ".join(map(str, known)) if isinstance(known, dict) else "no keys below it"
                raise InputError(f"--set {key} is not a param", expected=f"one of {above}: {keys}", got=name)
            known = known[name]
        _check_kind(key, text, known)


def lay_overrides(laid: dict[str, Any], settings: Mapping[str, str]) -> None:
    """Put the settings into the sections of a round's params; of mappings that they reach into, `laid` gets copies."""
    for key, text in settings.items():
        *above, last = key.split(".")
        place = laid
        for name in above:
            place[name] = dict(place.get(name) or {})
            place = place[name]
        place[last] = parse_value(text)


def _check_kind(key: str, text: str, known: Any) -> None:
    try:
        value = parse_value(text)
    except ParamsError as error:
        raise InputError(f"--set {key} is not YAML", got=text) from error
    kind, own = _kind(value), _kind(parse_value(known) if isinstance(known, str) and known else known)
    if value is not None and known is not None and kind != own:
        raise InputError(f"--set {key} is of another kind", expected=f"{own}, such as {known!r}", got=text)


def _kind(value: Any) -> str:
    return next((words for types, words in _KINDS if isinstance(value, types)), "nothing")  # type: ignore[arg-type]
