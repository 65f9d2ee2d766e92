"""Plain values, as JSON and YAML have them, turned into frozen dataclasses: every field checked against its annotation.

`TypedReader.record` understands nested dataclasses, ``X | None``, `Literal`, lists, tuples, mappings with values of one
type, and the plain types. A whole number is taken where a float is asked for. `RECORDS` reads what a program wrote;
`dataengine.params` has a reader of its own for what people write.
"""

import math
import re
import sys
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from dataengine.errors import DataEngineError, InputError, ParamsError
from dataengine.files import RepeatedKeys

T = TypeVar("T")
LARGEST = int(sys.float_info.max)
WORDS = {float: "a number", int: "a whole number", str: "a text", bool: "true or false"}


@dataclass(frozen=True)
class TypedReader:
    """How values are read; `where` in its methods is what a value is called in an error, such as ``verdict.AP``."""

    fault: type[DataEngineError]
    """What is raised for a value of the wrong kind."""
    fix: str = ""
    """What to do about a key that is missing."""

    def record(self, cls: type[T], value: Any, where: str) -> T:
        """The mapping `value` as a `cls`; a field with a default may be missing.

        Raises:
            DataEngineError: of kind `fault`: an unknown, missing or repeated key, a value of another type, or a
                `ParamsError` of the class's own check, with `where` in front.
        """
        self._require_mapping(value, where, "a mapping of keys")
        field_of = {field.name: field for field in fields(cls)}  # type: ignore[arg-type]
        unknown = sorted(str(key) for key in set(value) - set(field_of))
        if unknown:
            known_keys = "one of " + ", ".join(sorted(field_of))
            raise self.fault(f"{where} has an unknown key", expected=known_keys, got=", ".join(unknown))
        missing = [
            name
            for name, field in field_of.items()
            if name not in value and field.default is MISSING and field.default_factory is MISSING
        ]
        if missing:
            raise self.fault(f"{where} lacks a key", expected=", ".join(missing), fix=self.fix)
        types = get_type_hints(cls)
        values = {name: self.value(types[name], item, f"{where}.{name}") for name, item in value.items()}
        try:
            return cls(**values)
        except ParamsError as error:  # a check in __post_init__, which does not know where its dataclass stands
            field = re.split(r"[.\s]", error.what, maxsplit=1)[0]
            raise error.within(where, is_field=field in field_of) from error

    def value(self, kind: Any, value: Any, where: str) -> Any:
        """`value` as the annotation `kind` asks for."""
        origin, arguments = get_origin(kind), get_args(kind)
        if kind is Any:
            return value
        if isinstance(kind, type) and is_dataclass(kind):
            return self.record(kind, value, where)
        if origin in (Union, UnionType):
            inner = next(argument for argument in arguments if argument is not type(None))
            return None if value is None else self.value(inner, value, where)
        if origin is Literal:
            if value not in arguments:
                raise self.fault(where, expected=" | ".join(map(str, arguments)), got=_short(value))
            return value
        if origin in (list, tuple):
            return origin(self._items(origin, arguments, value, where))
        if kind is dict or origin in (dict, Mapping):
            return self._mapping(arguments[1] if arguments else Any, value, where)
        return self._plain(kind, value, where)

    def _items(self, origin: Any, arguments: tuple[Any, ...], value: Any, where: str) -> list[Any]:
        if not isinstance(value, list | tuple):
            raise self.fault(where, expected="a list", got=_short(value))
        fixed = origin is tuple and Ellipsis not in arguments
        if fixed and len(value) != len(arguments):
            raise self.fault(where, expected=f"{len(arguments)} values", got=_short(value))
        kinds = arguments if fixed else (arguments[0],) * len(value)
        return [
            self.value(kind, item, f"{where}[{i}]") for i, (kind, item) in enumerate(zip(kinds, value, strict=True))
        ]

    def _mapping(self, kind: Any, value: Any, where: str) -> dict[str, Any]:
        self._require_mapping(value, where, "a mapping with each key once")
        return {str(key): self.value(kind, item, f"{where}.{key}") for key, item in value.items()}

    def _require_mapping(self, value: Any, where: str, expected: str) -> None:
        if not isinstance(value, Mapping):
            raise self.fault(where, expected=expected, got=_short(value))
        if isinstance(value, RepeatedKeys):
            raise self.fault(where, expected="a mapping with each key once", got="a repeated key")

    def _plain(self, kind: Any, value: Any, where: str) -> Any:
        if kind is float and isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LARGEST:
            return float(value)
        right = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
        if not right or (kind is float and not math.isfinite(value)):  # NaN passes every `value < least`
            raise self.fault(where, expected=WORDS.get(kind, kind.__name__), got=_short(value))
        return value


RECORDS = TypedReader(InputError)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."
