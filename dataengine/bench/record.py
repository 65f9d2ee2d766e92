"""One figure of a benchmark: how it is printed, and how it is kept in ``docs/results/bench.json``."""

import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dataengine.files import read_json, write_json


@dataclass(frozen=True)
class Figure:
    """A measurement, and the same one on a peer where there is a peer."""

    name: str
    """``<benchmark>.<what>``."""
    ours: float
    unit: str
    peer: float | None = None

    @property
    def ratio(self) -> float | None:
        """Ours over the peer's; None without a peer."""
        return self.ours / self.peer if self.peer else None

    def line(self) -> str:
        """``NAME ours=<number> peer=<number or -> ratio=<ours/peer or -> unit=<unit>``."""
        return f"{self.name} ours={_text(self.ours)} peer={_text(self.peer)} ratio={_text(self.ratio)} unit={self.unit}"


@dataclass(frozen=True)
class Missing:
    """A figure that cannot be taken on this machine: it is printed, and nothing is recorded."""

    name: str
    needs: str
    """What is not here."""

    def line(self) -> str:
        """``NAME not measured: it needs ...``."""
        return f"{self.name} not measured: it needs {self.needs}"


def record(figure: Figure, path: Path) -> None:
    """Put the figure into the file, with date and machine, in place of its earlier value."""
    known: dict[str, Any] = read_json(path) if path.exists() else {}
    known[figure.name] = {
        "ours": figure.ours,
        "peer": figure.peer,
        "ratio": figure.ratio,
        "unit": figure.unit,
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
    }
    write_json(path, dict(sorted(known.items())))


def machine() -> str:
    """Processor, cores this process may use, and Python: what a timing depends on most."""
    return f"{_processor()}, {len(os.sched_getaffinity(0))} cores, Python {platform.python_version()}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def _text(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
