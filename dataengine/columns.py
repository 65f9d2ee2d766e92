"""Columns of n rows that hold anything: numbers and strings typed, all else as objects."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dataengine.errors import InputError


def as_column(values: ArrayLike, n: int) -> NDArray[Any]:
    """`values` as a column of n rows, one value repeated: typed where all are numbers, booleans or strings."""
    if isinstance(values, np.ndarray) and values.ndim >= 1 and len(values) == n:
        return values
    items = list(values) if isinstance(values, Iterable) and not isinstance(values, str) else [values] * n
    if items and all(isinstance(item, bool | int | float | str | np.generic) for item in items):
        kinds = {type(item) for item in items}
        if len(kinds) == 1 or not any(issubclass(kind, str | np.str_) for kind in kinds):
            return np.asarray(items)
    return object_column(items)


def object_column(values: Sequence[Any]) -> NDArray[np.object_]:
    """A column (n,) that keeps lists, mappings and None as they are; numpy would make a table of equally long lists."""
    column = np.empty(len(values), dtype=object)
    for row, value in enumerate(values):
        column[row] = value
    return column


def json_column(values: Sequence[Any]) -> NDArray[Any]:
    """A column (n,) of values as JSON has them: typed where all are numbers, strings or booleans, else of objects."""
    if all(isinstance(value, bool) for value in values) or all(isinstance(value, str) for value in values):
        return np.array(values)
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return np.array(values)
    return object_column(values)


def stacked(columns: Sequence[NDArray[Any] | None], lengths: Sequence[int]) -> NDArray[Any]:
    """The columns one below the other; where one is missing (None), as many None as its length."""
    present = [column for column in columns if column is not None]
    same_kind = len({(column.dtype.kind, column.shape[1:]) for column in present}) == 1
    if len(present) == len(columns) and same_kind:
        return np.concatenate(present)
    return object_column(
        [
            value
            for column, length in zip(columns, lengths, strict=True)
            for value in (column.tolist() if column is not None else [None] * length)
        ]
    )


def numbers_of(value: Any, shape: tuple[int, ...], column: str) -> NDArray[np.float64]:
    """What one person has in a `column` of objects. `InputError` unless it is numbers of this shape."""
    try:
        numbers = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        numbers = np.empty(())
    if numbers.shape != shape:
        got = str(value)[:60]
        raise InputError(f"{column} of a person is malformed", expected=f"numbers {shape}", got=got)
    return numbers
