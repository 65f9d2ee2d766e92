"""Integer fields of many records at once, without numpy's silent cuts."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.formats.reading.content import identifier, is_whole, need, shown

_MOST_DIGITS = 18  # fewer than 64 bits hold


def whole_numbers(name: str, values: list[Any]) -> NDArray[np.int64]:
    """The field `name` of n records as (n,) integers; 1.0 and "1" are 1. Anything else raises `Reject`.

    numpy alone cuts 1.5 to 1, so that two tracks become one, and makes the lowest number of one that does not fit.

    >>> whole_numbers("track_id", [3, 4.0, "05"]).tolist()
    [3, 4, 5]
    """
    return np.array(values if all(map(is_whole, values)) else [_whole(name, value) for value in values], dtype=np.int64)


def _whole(name: str, value: Any) -> int:
    if isinstance(value, str) and value.isascii() and value.removeprefix("-").isdigit() and len(value) <= _MOST_DIGITS:
        return int(value)
    number = identifier(value)
    need(is_whole(number), f"{name} is {shown(value)}, not a whole number")
    return int(number)  # type: ignore[arg-type]  # by `need`
