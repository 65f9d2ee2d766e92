"""`params.yaml` as frozen dataclasses: one section a stage; unknown keys, missing keys and wrong types fail."""

import re
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import yaml

from dataengine.errors import ParamsError

T = TypeVar("T")


class _Loader(yaml.SafeLoader):
    """Takes 5e-05 and 1e3 for numbers, as YAML 1.2 does and DVC, which writes them so; PyYAML alone asks for a dot."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)[eE][-+]?\d+"), list("-+.0123456789")
)


def load_section(path: Path, section: str, cls: type[T]) -> T:
    """Read section `section` of the YAML file `path` into the frozen dataclass `cls`.

    Nested dataclasses, lists, tuples, ``X | None`` and ``Literal`` are understood. A whole number is taken where
    a float is asked for. Checks that a dataclass makes in ``__post_init__`` raise `ParamsError` with the field's name
    alone (or a sentence about the section); the section is put in front here.
    """
    return _build(cls, _section(path, section), section)


def load_key(path: Path, section: str, key: str, kind: type[T]) -> T:
    """Read one key of section `section`, for whoever has no business with the others; they are not looked at."""
    value = _section(path, section)
    if not isinstance(value, dict) or key not in value:
        raise ParamsError(f"params {section} lacks a key", expected=key, mend="add it")
    converted: T = _convert(kind, value[key], f"{section}.{key}")
    return converted


def _section(path: Path, section: str) -> Any:
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506  a safe loader
    except FileNotFoundError as error:
        raise ParamsError(f"{path} does not exist", mend="run in the project's folder or give --params") from error
    except yaml.YAMLError as error:
        raise ParamsError(f"{path} is not YAML", got=str(error)) from error
    if not isinstance(document, dict) or section not in document:
        raise ParamsError(f"{path} has no section {section!r}", mend=f"add '{section}:' with its keys")
    return document[section] if document[section] is not None else {}


def from_plain(kind: Any, value: Any, where: str) -> Any:
    """`value`, of what YAML and JSON have, as the annotation `kind` asks for; `where` names it in a `ParamsError`."""
    return _convert(kind, value, where)


def _build(cls: type[T], value: Any, where: str) -> T:
    if not isinstance(value, dict):
        raise ParamsError(f"params {where}", expected="a mapping of keys", got=repr(value))
    hints = get_type_hints(cls)
    known = {f.name: f for f in fields(cls)}  # type: ignore[arg-type]
    unknown = sorted(str(key) for key in set(value) - set(known))
    if unknown:
        raise ParamsError(
            f"params {where} has an unknown key", expected="one of " + ", ".join(sorted(known)), got=", ".join(unknown)
        )
    missing = [n for n, f in known.items() if n not in value and f.default is MISSING and f.default_factory is MISSING]
    if missing:
        raise ParamsError(f"params {where} lacks a key", expected=", ".join(missing), mend="add it")
    converted = {name: _convert(hints[name], item, f"{where}.{name}") for name, item in value.items()}
    try:
        return cls(**converted)
    except ParamsError as error:  # a check in __post_init__, which does not know where its dataclass stands
        raise error.within(where, is_field=re.split(r"[.\s]", error.what, maxsplit=1)[0] in known) from error


def _convert(kind: Any, value: Any, where: str) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if is_dataclass(kind) and isinstance(kind, type):
        return _build(kind, value, where)
    if origin in (Union, UnionType):
        return None if value is None else _convert(next(a for a in arguments if a is not type(None)), value, where)
    if origin is Literal:
        if value not in arguments:
            raise ParamsError(f"params {where}", expected=" | ".join(map(str, arguments)), got=repr(value))
        return value
    if origin in (list, tuple):
        if not isinstance(value, list):
            raise ParamsError(f"params {where}", expected="a list", got=repr(value))
        fixed = origin is tuple and Ellipsis not in arguments
        if fixed and len(value) != len(arguments):
            raise ParamsError(f"params {where}", expected=f"{len(arguments)} values", got=repr(value))
        kinds = arguments if fixed else (arguments[0],) * len(value)
        return origin(_convert(k, item, f"{where}[{i}]") for i, (k, item) in enumerate(zip(kinds, value, strict=True)))
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if origin is dict or kind is dict:
        if not isinstance(value, dict):
            raise ParamsError(f"params {where}", expected="a mapping", got=repr(value))
        return value
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise ParamsError(f"params {where}", expected=kind.__name__, got=repr(value))
    return value
