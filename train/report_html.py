"""A comparison as one self-contained HTML file: the verdict first, then what it rests on, then people.

Text that comes from files and params is escaped by Jinja; charts and pictures are inlined: the page asks for nothing.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dataengine.evaluation.bootstrap import Interval
from dataengine.evaluation.matching import precision_table
from dataengine.files import atomic_path
from dataengine.people import Images, People

from .comparison import Comparison, ModelFigures
from .gate_models import Scored
from .report_charts import Scale, interval_svg, precision_svg, reliability_svg
from .report_people import shown_person, telling_people
from .report_template import PAGE

PICTURES = 24
HEADLINE = {
    "promote": "Promote the candidate.",
    "reject": "Do not promote the candidate.",
    "not-enough-evidence": "Do not promote yet: there is not enough evidence.",
}


def write_report(
    path: Path,
    comparison: Comparison,
    people: People,
    images: Images,
    scored: Mapping[str, Scored],
    lineage: Mapping[str, Mapping[str, Any]],
) -> None:
    """Write the report of a comparison.

    `scored` and `lineage` (of the sidecars) hold "candidate" and, unless it is the first model, "champion".
    """
    from jinja2 import Environment

    page = Environment(autoescape=True).from_string(PAGE)
    text = page.render(
        c=comparison,
        headline=HEADLINE[comparison.verdict],
        models=list(scored),
        columns=1 + len(scored),
        tiles=list(_tiles(comparison)),
        deltas=list(_deltas(comparison)),
        interval_words=_interval_words(comparison),
        figures=list(_figures(comparison)),
        slices=list(_slices(comparison)),
        charts=list(_charts(comparison, scored)),
        errors=list(_errors(comparison)),
        people=_people(people, images, scored),
        people_words=_people_words(len(scored)),
        test=_test(comparison),
        lineage={who: _lineage(comparison, who, facts) for who, facts in lineage.items()},
    )
    with atomic_path(path) as partial:
        partial.write_text(text, encoding="utf-8")


def _models(comparison: Comparison) -> dict[str, ModelFigures]:
    models = {"candidate": comparison.candidate, "champion": comparison.champion}
    return {who: model for who, model in models.items() if model is not None}


def _tiles(comparison: Comparison) -> Iterator[dict[str, str]]:
    if comparison.gain is not None:
        yield {"name": "gain in AP", "value": f"{comparison.gain.value:+.3f}", "more": _bounds(comparison.gain, "+")}
    yield {"name": "AP of the candidate", "value": f"{comparison.ap.value:.3f}", "more": _bounds(comparison.ap)}
    for name, cells in _costs(comparison):
        more = f"champion {cells['champion']}" if "champion" in cells else comparison.candidate.file
        yield {"name": name, "value": cells["candidate"], "more": more}


def _costs(comparison: Comparison) -> Iterator[tuple[str, dict[str, str]]]:
    models = _models(comparison)
    latency = {who: m.latency_ms.get("1") for who, m in models.items()}
    yield "latency of a crop", {w: "not measured" if ms is None else f"{ms:.1f} ms" for w, ms in latency.items()}
    yield "size of the file", {who: f"{m.size_bytes / 1e6:.2f} MB" for who, m in models.items()}
    yield "calibration error", {who: "-" if m.ece is None else f"{m.ece:.3f}" for who, m in models.items()}


def _deltas(comparison: Comparison) -> Iterator[dict[str, Any]]:
    limit = next((check.limit for check in comparison.checks if check.kind == "primary"), 0.0)
    if comparison.gain is not None:
        scale = Scale.around([comparison.gain], 0.0, limit)
        yield _row("gain (dashed: asked for)", comparison.gain, scale, "candidate", "+", limit)
    both = [comparison.ap, comparison.champion_ap]
    floor = limit if comparison.gain is None else None
    scale = Scale.around(both, *([] if floor is None else [floor]))
    yield _row("AP, candidate", comparison.ap, scale, "candidate", "", floor)
    if comparison.champion_ap is not None:
        yield _row("AP, champion", comparison.champion_ap, scale, "champion", "")


def _row(name: str, interval: Interval, scale: Scale, who: str, sign: str, mark: float | None = None) -> dict[str, Any]:
    label = f"{name}: {interval.value:{sign}.3f}, {_bounds(interval, sign)}"
    svg = interval_svg(interval, scale, who, label, mark)
    return {"name": name, "interval": interval, "sign": sign, "svg": svg}


def _slices(comparison: Comparison) -> Iterator[dict[str, Any]]:
    compared = comparison.gain is not None
    shown = {part.name: part.gain if compared else part.candidate for part in comparison.slices}
    known = [interval for interval in shown.values() if interval is not None]
    scale = Scale.around(known, 0.0) if known else Scale(0, 1)
    for part in comparison.slices:
        interval, facts = shown[part.name], {"people": part.people, "clusters": part.clusters, "guarded": part.guarded}
        row = {} if interval is None else _row(part.name, interval, scale, "candidate", "+" if compared else "", 0.0)
        yield {"name": part.name, "svg": ""} | row | facts


def _figures(comparison: Comparison) -> Iterator[dict[str, Any]]:
    models = _models(comparison)
    for name in comparison.candidate.figures:
        values = [model.figures.get(name) for model in models.values()]
        cells = ["-" if value is None else f"{value:.3f}" for value in values]
        if len(values) > 1:
            first, second = values
            cells.append("-" if first is None or second is None else f"{first - second:+.3f}")
        yield {"name": name, "cells": cells}
    for name, texts in _costs(comparison):
        yield {"name": name, "cells": list(texts.values()) + ([""] if len(models) > 1 else [])}


def _charts(comparison: Comparison, scored: Mapping[str, Scored]) -> Iterator[dict[str, Any]]:
    matches = {who: each.pairs.match() for who, each in scored.items()}
    recall = next(iter(matches.values())).recall_points
    tables = {who: precision_table(each) for who, each in matches.items()}
    thresholds = next(iter(matches.values())).thresholds
    chosen = {"all OKS thresholds": np.ones(len(thresholds), dtype=bool), "OKS 0.75": np.isclose(thresholds, 0.75)}
    for words, rows in chosen.items():
        caption = f"Precision over recall, {words}"
        yield {
            "svg": precision_svg({w: t[rows].mean(axis=0) for w, t in tables.items()}, recall, caption),
            "caption": caption,
        }
    bins = {who: model.reliability for who, model in _models(comparison).items()}
    caption = "Reliability: mean OKS of the people of each confidence; a calibrated model lies on the dashed line"
    yield {"svg": reliability_svg(bins, caption), "caption": caption}


def _errors(comparison: Comparison) -> Iterator[dict[str, Any]]:
    models = _models(comparison).values()
    for rows in zip(*(model.errors for model in models), strict=True):
        yield {
            "name": rows[0].name,
            "cells": [text for row in rows for text in (str(row.count), f"{row.ap_cost:+.3f}")],
        }


def _people(people: People, images: Images, scored: Mapping[str, Scored]) -> list[Any]:
    predictions = {who: each.prediction for who, each in scored.items()}
    rows = telling_people(people, predictions, PICTURES)
    return [shown_person(people, images, int(row), predictions) for row in rows]


def _people_words(models: int) -> str:
    what = (
        "The difference of the two models' OKS, whoever is better,"
        if models > 1
        else "The candidate's OKS, worst first,"
    )
    return f"{what} orders the pictures, one person an image. The number after a model's name is its OKS."


def _test(comparison: Comparison) -> dict[str, str]:
    test, error = comparison.test, comparison.error
    return {
        "test set": f"{test.people} people in {test.images} images, {test.clusters} clusters; found in labelled boxes",
        "sha256": test.sha256,
        "use": f"{test.use} of {test.budget} that the policy allows",
        "error": f"{error.spent:.4f} of {error.total:g} spent, {error.this_round:.4f} now, {error.left:.4f} left",
        "round": str(comparison.round),
    }


def _lineage(comparison: Comparison, who: str, facts: Mapping[str, Any]) -> dict[str, str]:
    model, student = _models(comparison)[who], facts.get("student", {})
    hashes = facts.get("data_sha256", {})
    return {
        "model": model.id,
        "file": f"{model.file}, measured on {model.machine or 'an unknown machine'}",
        "weights": str(facts.get("student_sha256", "-")),
        "training data": str(student.get("data_sha256", "-")),
        **{f"data: {name}": str(value) for name, value in hashes.items()},
        "code revision": str(facts.get("code_revision") or "-"),
        "params": ", ".join(f"{name} {value}" for name, value in student.get("params", {}).items()) or "-",
    }


def _interval_words(comparison: Comparison) -> str:
    policy = comparison.policy
    return (
        f"{policy['level']:.0%} intervals by {policy['resamples']} paired bootstrap resamples of "
        f"{comparison.test.clusters} clusters ({policy['cluster']})."
    )


def _bounds(interval: Interval, sign: str = "") -> str:
    return f"{interval.low:{sign}.3f} to {interval.high:{sign}.3f}"
