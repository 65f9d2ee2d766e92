"""What a request needs of a verdict: AP of the whole test set and of each slice, as figures and names.

The gate's own reader belongs to another room; rooms meet in files. People and pictures of the test set are not in a
verdict, so none can get into a request this way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataengine.errors import InputError
from dataengine.evaluation.analysis.interval import Interval
from dataengine.files import read_json
from dataengine.typed_record import RECORDS


@dataclass(frozen=True, kw_only=True)
class SliceFigures:
    """A slice of the test set."""

    name: str
    people: int
    ap: Interval
    gain: Interval | None
    """Over the champion, paired."""


@dataclass(frozen=True, kw_only=True)
class VerdictFigures:
    """A verdict's figures."""

    round: int
    candidate: str
    """Id of the model, likewise the champion's."""
    champion: str
    ap: Interval
    slices: Mapping[str, SliceFigures]
    """Those with an interval."""
    clusters_id: str
    """Id of the pose clusters that slices are numbered by, "" without them."""
    test_sha256: str
    commonest_errors: tuple[str, ...]
    """Kinds of errors by the AP that they cost, the dearest first."""


def read_verdict_figures(path: Path) -> VerdictFigures:
    """Read verdict.json; anything else is an `InputError`."""
    record: Any = read_json(path)
    try:
        rows = [row for row in record["slices"] if row["candidate"] is not None]
        errors = sorted(record["models"]["candidate"]["errors"], key=lambda error: -error["ap_cost"])
        return VerdictFigures(
            round=int(record["round"]),
            candidate=str(record["candidate"]),
            champion=str(record["champion"]),
            ap=_interval(record["AP"], path),
            slices={str(row["name"]): _slice(row, path) for row in rows},
            clusters_id=str((record.get("poses") or {}).get("clusters_id", "")),
            test_sha256=str(record["test"]["sha256"]),
            commonest_errors=tuple(str(error["name"]) for error in errors if error["ap_cost"] > 0),
        )
    except (KeyError, TypeError, ValueError) as error:
        got = f"missing key {error}" if isinstance(error, KeyError) else str(error)
        fix = "run `dataengine compare` again"
        raise InputError(f"{path} is not a verdict of `dataengine compare`", got=got, fix=fix) from error


def _slice(row: Mapping[str, Any], path: Path) -> SliceFigures:
    gain = None if row["gain"] is None else _interval(row["gain"], path)
    return SliceFigures(
        name=str(row["name"]), people=int(row["people"]), ap=_interval(row["candidate"], path), gain=gain
    )


def _interval(value: Any, path: Path) -> Interval:
    return RECORDS.record(Interval, value, f"{path}: interval")
