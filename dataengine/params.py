"""`params.yaml` as frozen dataclasses: one section a stage; unknown keys, missing keys and wrong types fail."""

import re
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import yaml

from dataengine.errors import ParamsError
from dataengine.typed_record import TypedReader

T = TypeVar("T")
MOST_SEED = 2**31 - 1
PARAMS = TypedReader(ParamsError, fix="add it")


class _Loader(yaml.SafeLoader):
    """Takes 5e-05 and 1e3 for numbers, as YAML 1.2 does and DVC, which writes them so; PyYAML alone asks for a dot."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)[eE][-+]?\d+$"), list("-+.0123456789")
)


def load_section(path: Path, section: str, cls: type[T], *, base: str = "") -> T:
    """Read section `section` of the YAML file `path` into the frozen dataclass `cls`.

    Keys that `section` lacks come from the section `base`, if the file has it; nested sections are merged key by key.

    Nested dataclasses, lists, tuples, ``X | None`` and ``Literal`` are understood. A whole number is taken where
    a float is asked for. Checks that a dataclass makes in ``__post_init__`` raise `ParamsError` with the field's name
    alone (or a sentence about the section); the section is put in front here.
    """
    own = _section(path, section)
    return section_as(cls, section, own, load_document(path).get(base) or {})


def section_as(cls: type[T], section: str, own: Any, shared: Any) -> T:
    """The keys `own` of a section, over the keys `shared` of its base, as the frozen dataclass `cls`."""
    return PARAMS.record(cls, _laid_over(shared, own, cls), f"params {section}")


def load_values(path: Path, section: str) -> dict[str, Any]:
    """The keys of section `section` as they stand, for callers that pass them on; what they mean is not checked."""
    values = _section(path, section)
    if not isinstance(values, dict):
        raise ParamsError(f"params {section}", expected="keys with values", got=repr(values)[:60])
    return values


def require_within(params: object, name: str, low: float, high: float) -> None:
    """`ParamsError` unless field `name` of the dataclass `params` lies within the bounds."""
    value = getattr(params, name)
    if not low <= value <= high:
        raise ParamsError(name, expected=f"{low} to {high}", got=repr(value))


def require_seed(params: object) -> None:
    """The same for the field `seed`, which numpy and torch take from 0 on."""
    require_within(params, "seed", 0, MOST_SEED)


def has_section(path: Path, section: str) -> bool:
    """Whether the file has the section, for one that a project may do without."""
    return section in load_document(path)


def load_key(path: Path, section: str, key: str, kind: type[T]) -> T:
    """Read one key of section `section`, for callers that do not depend on the others; those are not checked."""
    value = _section(path, section)
    if not isinstance(value, dict) or key not in value:
        raise ParamsError(f"params {section} lacks a key", expected=key, fix="add it")
    converted: T = PARAMS.value(kind, value[key], f"params {section}.{key}")
    return converted


def parse_value(text: str) -> Any:
    """A value as it stands in params.yaml.

    Raises:
        ParamsError: it is not YAML.

    >>> [parse_value(text) for text in ("1e-3", "null", "[1, 2]", "cpu")]
    [0.001, None, [1, 2], 'cpu']
    """
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506  a safe loader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ParamsError("the value is not YAML", got=text) from error


def _laid_over(shared: Any, own: Any, cls: type) -> Any:
    """`own` with what it lacks from `shared`. Mappings that are not sections, such as weights by name, stay whole."""
    if not isinstance(shared, dict) or not isinstance(own, dict):
        return own
    kinds = get_type_hints(cls)
    both = {key for key in own if key in shared and is_dataclass(kinds.get(key))}
    return {**shared, **own, **{key: _laid_over(shared[key], own[key], kinds[key]) for key in both}}


def _section(path: Path, section: str) -> Any:
    document = load_document(path)
    if section not in document:
        raise ParamsError(f"{path} has no section {section!r}", fix=f"add '{section}:' with its keys")
    return document[section] if document[section] is not None else {}


def load_document(path: Path) -> dict[str, Any]:
    """The sections of a params.yaml as plain values, unchecked. `ParamsError` where it is missing or not YAML."""
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506  a safe loader
    except FileNotFoundError as error:
        raise ParamsError(f"{path} does not exist", fix="run in the project's folder or give --params") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: no UTF-8, or a date such as 2026-13-01
        raise ParamsError(f"{path} is not YAML", got=" ".join(str(error).split())[:300]) from error
    return document if isinstance(document, dict) else {}
