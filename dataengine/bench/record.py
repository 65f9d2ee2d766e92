"""One figure of a benchmark: how it is printed, and how it is kept in ``docs/results/bench.json``."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dataengine.files import read_json, write_json
from dataengine.hardware.machine import machine


@dataclass(frozen=True)
class Figure:
    """A measurement, with the peer's where there is a peer."""

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
    """What this machine lacks."""

    def line(self) -> str:
        """``NAME not measured: it needs ...``."""
        return f"{self.name} not measured: it needs {self.needs}"


def record(figure: Figure, path: Path) -> None:
    """Put the figure into the file, with date and machine; it replaces its earlier value."""
    figures: dict[str, Any] = read_json(path) if path.exists() else {}
    figures[figure.name] = {
        "ours": figure.ours,
        "peer": figure.peer,
        "ratio": figure.ratio,
        "unit": figure.unit,
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
    }
    write_json(path, dict(sorted(figures.items())))


def _text(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
