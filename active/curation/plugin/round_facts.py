"""The round as files say it: every model that came to promotion with its AP, the last verdict, and a forecast."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataengine.errors import InputError
from dataengine.files import read_json
from dataengine.params import load_section
from dataengine.registry.records import Registry, RegistryParams
from dataengine.registry.registry_file import read_registry

from ...forecast.before_labelling import forecast_line
from ...manifest.files import read_selection
from .place import PARAMS, ProjectPlace

VERDICT = "reports/compare/verdict.json"


@dataclass(frozen=True, kw_only=True)
class Tested:
    """A model that came to promotion."""

    at: str
    """UTC."""
    id: str
    outcome: str
    ap: float
    low: float | None = None
    high: float | None = None
    """Bounds of the AP, where the registry still holds the model."""


@dataclass(frozen=True, kw_only=True)
class RoundFacts:
    """What is known of this and earlier rounds."""

    tested: tuple[Tested, ...]
    """Oldest first."""
    verdict: str
    """What the last comparison came to; "" where there was none."""
    reason: str

    def lines(self) -> list[str]:
        """What a reader wants to know, in Markdown."""
        said = f"**Last verdict: {self.verdict}.** {self.reason}" if self.verdict else "No comparison yet: `dvc repro`."
        times = [each.at[:16].replace("T", " ") for each in self.tested]
        rows = zip(times, self.tested, strict=True)
        return [said, *(f"- {at} `{each.id}`: {each.outcome}, AP {each.ap:.3f}" for at, each in rows)]

    def curve(self) -> list[dict[str, Any]]:
        """AP from model to model with its bounds, as a Plotly trace."""
        high = [0.0 if each.high is None else each.high - each.ap for each in self.tested]
        low = [0.0 if each.low is None else each.ap - each.low for each in self.tested]
        bars = {"type": "data", "symmetric": False, "array": high, "arrayminus": low}
        return [
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": "AP on the test set",
                "x": [f"{number}: {each.id[:6]}" for number, each in enumerate(self.tested, 1)],
                "y": [each.ap for each in self.tested],
                "error_y": bars,
            }
        ]


def round_facts(project: Path) -> RoundFacts:
    """Read registry and verdict; what is not there yet is empty.

    Raises:
        InputError: a file is damaged.
    """
    registry = _registry(project)
    bounds = {entry.id: (entry.ap_low, entry.ap_high) for entry in registry.entries}
    tested = []
    for event in registry.events:
        low, high = bounds.get(event.id, (None, None))
        tested.append(Tested(at=event.at, id=event.id, outcome=event.outcome, ap=event.ap, low=low, high=high))
    path = project / VERDICT
    if not path.is_file():
        return RoundFacts(tested=tuple(tested), verdict="", reason="")
    verdict = read_json(path)
    if not isinstance(verdict, dict) or not isinstance(verdict.get("verdict"), str):
        raise InputError(f"{path} is not a verdict", fix="run `dataengine compare`")
    return RoundFacts(tested=tuple(tested), verdict=verdict["verdict"], reason=str(verdict.get("reason", "")))


def forecast(place: ProjectPlace) -> str:
    """What labels of the picks are likely to buy, in the words of `label-export`.

    Raises:
        DataEngineError: a file is missing or damaged.
    """
    return forecast_line(read_selection(place.selection), place.params, root=place.project)


def _registry(project: Path) -> Registry:
    file = project / load_section(project / PARAMS, "registry", RegistryParams).file
    return read_registry(file) if file.is_file() else Registry()
