"""A comparison as one self-contained HTML file: the verdict first, then what it rests on, then people.

Text from files and params is escaped by Jinja; charts and pictures are inlined, so the page makes no requests.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from dataengine.evaluation.analysis.image_clusters import units_of
from dataengine.evaluation.analysis.interval import Interval
from dataengine.evaluation.ap.matching import precision_table
from dataengine.files import atomic_path
from dataengine.people import Images, People

from ..comparison import Comparison
from ..models import ScoredModel
from .charts import Scale, axis_svg, bars_svg, interval_svg, precision_svg, reliability_svg
from .people import panels_of, people_to_show
from .template import PAGE
from .words import (
    HEADLINE,
    bounds,
    facts_of_test,
    headline,
    interval_words,
    lineage_facts,
    models_of,
    people_words,
    pose_words,
    shadow_words,
)

PICTURES = 24
ERROR_MEANING = {
    "miss": "a joint far from where it is",
    "swap": "a joint put on another person",
    "inversion": "left and right of one person exchanged",
    "jitter": "a joint near its place, but not on it",
    "score": "confidence in the wrong order: the cost is of the order among everybody, the number of people whom "
    "another, less sure answer in their image fits better",
    "background": "an answer that fits nobody",
    "not found": "a person that was not found",
}
FIGURE_WORDS = {"AP_jittered": "AP in jittered boxes", "AP_detected": "AP in boxes that BlazePose detects"}
ERROR_UNIT = {"score": "people", "background": "answers", "not found": "people"}  # of the others: joints


def write_report(
    path: Path,
    comparison: Comparison,
    people: People,
    images: Images,
    *,
    scored: Mapping[str, ScoredModel],
    lineage: Mapping[str, Mapping[str, Any]],
) -> None:
    """Write the report of a comparison.

    `scored` and `lineage` (from the sidecars) hold "candidate" and, unless it is the first model, "champion".
    """
    from jinja2 import Environment

    page = Environment(autoescape=True).from_string(PAGE)
    text = page.render(
        c=comparison,
        title=HEADLINE[comparison.verdict],
        headline=headline(comparison),
        models=list(scored),
        columns=1 + len(scored),
        tiles=list(_tiles(comparison)),
        deltas=list(_deltas(comparison)),
        slice_axis=_slice_axis(comparison),
        interval_words=interval_words(comparison),
        figures=list(_figures(comparison)),
        slices=list(_slices(comparison)),
        pose_words=pose_words(comparison),
        charts=list(_charts(comparison, scored)),
        errors=list(_errors(comparison)),
        people=_people(comparison, people, images, scored),
        people_words=people_words(comparison),
        test=facts_of_test(comparison),
        shadow_words=shadow_words(comparison),
        lineage={who: lineage_facts(comparison, who, facts) for who, facts in lineage.items()},
    )
    with atomic_path(path) as partial:
        partial.write_text(text, encoding="utf-8")


def _tiles(comparison: Comparison) -> Iterator[dict[str, str]]:
    if comparison.gain is not None:
        yield {"name": "gain in AP", "value": f"{comparison.gain.value:+.3f}", "more": bounds(comparison.gain, "+")}
    yield {"name": "AP of the candidate", "value": f"{comparison.ap.value:.3f}", "more": bounds(comparison.ap)}
    for name, cells in _costs(comparison):
        more = f"champion {cells['champion']}" if "champion" in cells else comparison.candidate.file
        yield {"name": name, "value": cells["candidate"], "more": more}


def _costs(comparison: Comparison) -> Iterator[tuple[str, dict[str, str]]]:
    models = models_of(comparison)
    latency = {who: m.latency_ms.get("1") for who, m in models.items()}
    yield "latency of a crop", {w: "not measured" if ms is None else f"{ms:.1f} ms" for w, ms in latency.items()}
    yield "size of the file", {who: f"{m.size_bytes / 1e6:.2f} MB" for who, m in models.items()}
    yield "calibration error", {who: "-" if m.ece is None else f"{m.ece:.3f}" for who, m in models.items()}


def _deltas(comparison: Comparison) -> Iterator[dict[str, Any]]:
    limit = next((check.limit for check in comparison.checks if check.kind == "primary"), 0.0)
    if comparison.gain is not None:
        scale = Scale.around([comparison.gain], 0.0, limit)
        name = f"gain in AP (required: above {limit:g})"
        yield {"rows": [_row(name, comparison.gain, scale, "candidate", "+", limit)], "axis": axis_svg(scale, "+")}
    both = [comparison.ap, comparison.champion_ap]
    floor = limit if comparison.gain is None else None
    scale = Scale.around(both, *([] if floor is None else [floor]))
    name = "AP of the candidate" if floor is None else f"AP (dashed: the floor, {floor:g})"
    rows = [_row(name, comparison.ap, scale, "candidate", "", floor)]
    if comparison.champion_ap is not None:
        rows.append(_row("AP of the champion", comparison.champion_ap, scale, "champion", ""))
    yield {"rows": rows, "axis": axis_svg(scale)}


def _row(name: str, interval: Interval, scale: Scale, who: str, sign: str, mark: float | None = None) -> dict[str, Any]:
    label = f"{name}: {interval.value:{sign}.3f}, {bounds(interval, sign)}"
    svg = interval_svg(interval, scale, who, label, mark)
    return {"name": name, "interval": interval, "sign": sign, "svg": svg}


def _slice_scale(comparison: Comparison) -> Scale:
    intervals = [part.candidate if comparison.gain is None else part.gain for part in comparison.slices]
    limits = [check.limit for check in comparison.checks if check.kind == "guard"]
    return Scale.around(intervals, 0.0, *limits)


def _slice_axis(comparison: Comparison) -> Markup:
    return axis_svg(_slice_scale(comparison), "" if comparison.gain is None else "+")


def _slices(comparison: Comparison) -> Iterator[dict[str, Any]]:
    has_champion = comparison.gain is not None
    intervals = {part.name: part.gain if has_champion else part.candidate for part in comparison.slices}
    limits = {check.name: check.limit for check in comparison.checks if check.kind == "guard"}
    scale = _slice_scale(comparison)
    for part in comparison.slices:
        interval = intervals[part.name]
        facts = {"people": part.people, "clusters": part.clusters, "guarded": part.guarded}
        row = (
            {}
            if interval is None
            else _row(part.name, interval, scale, "candidate", "+" if has_champion else "", limits.get(part.name))
        )
        yield {"name": part.name, "svg": ""} | row | facts


def _figures(comparison: Comparison) -> Iterator[dict[str, Any]]:
    models = models_of(comparison)
    for key in comparison.candidate.figures:
        name, values = FIGURE_WORDS.get(key, key), [model.figures.get(key) for model in models.values()]
        cells = ["-" if value is None else f"{value:.3f}" for value in values]
        if len(values) > 1:
            first, second = values
            cells.append("-" if first is None or second is None else f"{first - second:+.3f}")
        yield {"name": name, "cells": cells}
    for name, texts in _costs(comparison):
        yield {"name": name, "cells": list(texts.values()) + ([""] if len(models) > 1 else [])}


def _charts(comparison: Comparison, scored: Mapping[str, ScoredModel]) -> Iterator[dict[str, Any]]:
    matches = {who: each.pairs.match() for who, each in scored.items()}
    recall = next(iter(matches.values())).recall_points
    tables = {who: precision_table(each) for who, each in matches.items()}
    thresholds = next(iter(matches.values())).thresholds
    threshold_masks = {
        "all OKS thresholds": np.ones(len(thresholds), dtype=bool),
        "OKS 0.75": np.isclose(thresholds, 0.75),
    }
    for words, rows in threshold_masks.items():
        caption = f"Precision over recall, {words}"
        yield {
            "svg": precision_svg({w: t[rows].mean(axis=0) for w, t in tables.items()}, recall, caption),
            "caption": caption,
        }
    bins = {who: model.reliability for who, model in models_of(comparison).items()}
    caption = "Reliability: mean OKS of the people of each confidence; a calibrated model lies on the dashed line"
    yield {"svg": reliability_svg(bins, caption), "caption": caption}


def _errors(comparison: Comparison) -> Iterator[dict[str, Any]]:
    models = models_of(comparison)
    most = max((row.ap_cost for model in models.values() for row in model.errors), default=0.0) or 1.0
    for rows in zip(*(model.errors for model in models.values()), strict=True):
        name, costs = rows[0].name, {who: row.ap_cost for who, row in zip(models, rows, strict=True)}
        label = f"{name}: " + ", ".join(f"{who} {cost:+.3f} AP" for who, cost in costs.items())
        yield {
            "name": name,
            "meaning": ERROR_MEANING.get(name, ""),
            "svg": bars_svg(costs, most, label),
            "cells": [(f"{row.ap_cost:+.3f}", f"{row.count} {ERROR_UNIT.get(name, 'joints')}") for row in rows],
        }


def _people(comparison: Comparison, people: People, images: Images, scored: Mapping[str, ScoredModel]) -> list[Any]:
    predictions = {who: each.prediction for who, each in scored.items()}
    (moments,) = units_of(images, "time")
    protocol = scored["candidate"].pairs.protocol
    clusters = moments.clusters[images.rows_of(people.image_id)]
    rows = people_to_show(people, predictions, PICTURES, clusters, protocol)
    return [panels_of(people, images, int(row), predictions, protocol) for row in rows]
