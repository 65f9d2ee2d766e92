"""JSON: written whole, and read within bounds, since it may be anybody's."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dataengine.errors import InputError
from dataengine.files.memory_bound import PARSER_MEMORY_LEAST, bounded_memory
from dataengine.files.whole import atomic_path

LARGEST_JSON_BYTES = 2 * 1024**3
JSON_MEMORY_FACTOR = 12  # a COCO file takes 4 times its size; "[],[],[]," 24


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON, atomically. NaN is refused: it is not JSON."""
    with atomic_path(path) as partial:
        partial.write_text(json.dumps(value, indent=1, allow_nan=False) + "\n", encoding="utf-8")


class RepeatedKeys(dict[str, Any]):
    """A JSON object in which a key appears more than once, so that nobody can know which value was meant."""


def read_json(path: Path, *, largest_bytes: int = LARGEST_JSON_BYTES) -> Any:
    """Read a JSON file; a missing, broken, oversized or memory-hungry one is an `InputError` naming the file.

    NaN and numbers beyond float64 (inf) are passed on, an integer of more than 18 digits becomes a float: whoever reads
    the record judges them, so that one bad record does not lose the others. An object that repeats a key becomes a
    `RepeatedKeys`.
    """
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"{path} cannot be read", expected="a JSON file", got="something else")  # a pipe waits
        with path.open("rb") as opened:
            content = opened.read(largest_bytes + 1)
        if len(content) > largest_bytes:
            raise InputError(f"{path} is too large", expected=f"at most {largest_bytes / 1024**2:.0f} MB of JSON")
        with bounded_memory(JSON_MEMORY_FACTOR * len(content) + PARSER_MEMORY_LEAST):
            return json.loads(content.decode("utf-8"), parse_int=_parse_int, object_pairs_hook=_parse_object)
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist", fix="run the stage that makes it, or correct the path") from error
    except MemoryError as error:
        got = f"one that needs more than {JSON_MEMORY_FACTOR} times its size in memory"
        raise InputError(f"{path} cannot be read", expected="a JSON file of records", got=got) from error
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} cannot be read", expected="a JSON file", got=str(error)[:200]) from error


def flat_items(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted key, leaf) of every leaf of nested mappings.

    >>> dict(flat_items({"pool": {"fps": 2, "every": 5}, "seed": 0}))
    {'pool.fps': 2, 'pool.every': 5, 'seed': 0}
    """
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from flat_items(item, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, value


def _parse_int(digits: str) -> int | float:
    return int(digits) if len(digits) <= 19 else float(digits)  # 19 with the sign; Python refuses 5,000 digits


def _parse_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    return record if len(record) == len(pairs) else RepeatedKeys(record)


def json_files(folder: Path) -> list[Path]:
    """The JSON files in `folder` by name, without the drafts (`atomic_path`) that a killed process may have left."""
    return sorted(path for path in folder.glob("*.json") if not path.name.startswith("."))
