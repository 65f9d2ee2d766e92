"""Plain values, as JSON and YAML have them, turned into frozen dataclasses: every field held against its annotation.

`from_plain` understands nested dataclasses, ``X | None``, `Literal`, lists, tuples, mappings with values of one type,
and the plain types. A whole number is taken where a float is asked for; infinity and NaN are not numbers here.
"""

import math
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from dataengine.errors import InputError
from dataengine.files import RepeatedKeys

T = TypeVar("T")
WORDS = {float: "a number", int: "a whole number", str: "a text", bool: "true or false"}


def record_of(cls: type[T], value: Any, where: str) -> T:
    """The mapping `value` as a `cls`; a field with a default may be missing.

    Args:
        where: What `value` is called in an error, such as ``verdict.AP``.

    Raises:
        InputError: an unknown, missing or repeated key, or a value of another type.
    """
    if not isinstance(value, Mapping):
        raise InputError(where, expected="a mapping of keys", got=_short(value))
    if isinstance(value, RepeatedKeys):
        raise InputError(f"{where} repeats a key")
    field_of = {field.name: field for field in fields(cls)}  # type: ignore[arg-type]
    unknown = sorted(str(key) for key in set(value) - set(field_of))
    if unknown:
        raise InputError(f"{where} has an unknown key", expected=", ".join(sorted(field_of)), got=", ".join(unknown))
    missing = [
        name
        for name, field in field_of.items()
        if name not in value and field.default is MISSING and field.default_factory is MISSING
    ]
    if missing:
        raise InputError(f"{where} lacks a key", expected=", ".join(missing))
    types = get_type_hints(cls)
    return cls(**{name: from_plain(types[name], item, f"{where}.{name}") for name, item in value.items()})


def from_plain(kind: Any, value: Any, where: str) -> Any:
    """`value` as the annotation `kind` asks for. Raises `InputError` where it is of another type."""
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is Any:
        return value
    if isinstance(kind, type) and is_dataclass(kind):
        return record_of(kind, value, where)
    if origin in (Union, UnionType):
        return None if value is None else from_plain(next(a for a in arguments if a is not type(None)), value, where)
    if origin is Literal:
        if value not in arguments:
            raise InputError(where, expected=" | ".join(map(str, arguments)), got=_short(value))
        return value
    if origin in (list, tuple):
        return origin(_items(arguments[0], value, where))
    if origin in (dict, Mapping):
        return _mapping(arguments[1], value, where)
    return _plain(kind, value, where)


def _items(kind: Any, value: Any, where: str) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise InputError(where, expected="a list", got=_short(value))
    return [from_plain(kind, item, f"{where}[{index}]") for index, item in enumerate(value)]


def _mapping(kind: Any, value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, Mapping) or isinstance(value, RepeatedKeys):
        raise InputError(where, expected="a mapping with each key once", got=_short(value))
    return {str(key): from_plain(kind, item, f"{where}.{key}") for key, item in value.items()}


def _plain(kind: Any, value: Any, where: str) -> Any:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    right = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
    if not right or (kind is float and not math.isfinite(value)):
        raise InputError(where, expected=WORDS.get(kind, kind.__name__), got=_short(value))
    return value


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."
