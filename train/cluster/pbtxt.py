"""Protocol buffers as text, as Triton reads its configurations."""

import json
from collections.abc import Mapping
from typing import Any


class Word(str):
    """A value that is written without quotes, such as that of an enum."""

    __slots__ = ()


def as_text(message: Mapping[str, Any], indent: int = 0) -> str:
    """The fields of a message, in their order; lists are repeated fields.

    >>> print(as_text({"name": "a", "kind": Word("KIND_CPU"), "dims": [-1, 3], "input": [{"name": "b"}]}), end="")
    name: "a"
    kind: KIND_CPU
    dims: -1
    dims: 3
    input {
      name: "b"
    }
    """
    lines, space = [], "  " * indent
    for name, value in message.items():
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, Mapping):
                lines.append(f"{space}{name} {{\n{as_text(each, indent + 1)}{space}}}\n")
            else:
                lines.append(f"{space}{name}: {_scalar(each)}\n")
    return "".join(lines)


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | Word) else json.dumps(value)
