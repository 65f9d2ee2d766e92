"""Fields of many records at once that are real numbers or texts; `integers.py` has those that are whole.

A value of another kind is a `Reject` that names the field and shows the value: numpy's own errors do neither, and it
makes the text "None" of null.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.formats.reading.content import need, shown


def real_numbers(name: str, values: list[Any]) -> NDArray[np.float64]:
    """The field `name` of n records as (n,) numbers, finite or not; "0.5" is 0.5. Anything else raises `Reject`.

    >>> real_numbers("score", [1, 0.5, "0.25"]).tolist()
    [1.0, 0.5, 0.25]
    """
    return np.array([_real(name, value) for value in values], dtype=np.float64)


def texts(name: str, values: list[Any]) -> NDArray[np.str_]:
    """The field `name` of n records as (n,) texts: null is none, a whole number its digits. Else raises `Reject`.

    >>> texts("video", ["walk.mp4", 3, None]).tolist()
    ['walk.mp4', '3', '']
    """
    return np.array([_text(name, value) for value in values], dtype=str)


def number_rows(name: str, values: list[Any], count: int) -> NDArray[np.float64]:
    """The field `name` of n records, lists of `count` numbers, as (n, count). Anything else raises `Reject`."""
    try:
        table = np.array(values, dtype=np.float64)  # ten times as fast as one by one
    except (TypeError, ValueError, OverflowError):
        table = np.empty(0)
    if table.shape == (len(values), count):
        return table
    for value in values:
        good = isinstance(value, list) and len(value) == count
        need(good, f"{name} is {_with_length(value)}, not {count} numbers")
    return np.array([[_of_row(name, number, count) for number in row] for row in values]).reshape(len(values), count)


def _real(name: str, value: Any) -> float:
    number = _as_number(value)
    need(number is not None, f"{name} is {shown(value)}, not a number")
    return number  # type: ignore[return-value]  # by `need`


def _of_row(name: str, value: Any, count: int) -> float:
    if value is None:  # as some tools write the place of a joint without a label
        return math.nan
    number = _as_number(value)
    need(number is not None, f"{name} has {shown(value)} among its {count} numbers")
    return number  # type: ignore[return-value]  # by `need`


def _as_number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _text(name: str, value: Any) -> str:
    if value is None:
        return ""
    need(isinstance(value, str | int | float), f"{name} is {shown(value)}, not a text")
    return str(value)


def _with_length(value: Any) -> str:
    return f"a list of {len(value)}" if isinstance(value, list) else shown(value)
