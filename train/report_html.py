"""A comparison as one self-contained HTML file: the verdict first, then figures with intervals, then people."""

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from dataengine.files import atomic_path
from dataengine.people import Images, People
from dataengine.predict import Prediction

from .report_figures import COLORS, Bar, Picture, forest_plot, picture, telling_people

PICTURES = 12
_HEADLINE = {
    "promote": "Promote the candidate.",
    "reject": "Do not promote the candidate.",
    "not-enough-evidence": "Do not promote yet: there is not enough evidence.",
}
_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;color:#1a1a1a;max-width:60rem;margin:0 auto;padding:1rem}
h1{font-size:1.6rem;margin:.5rem 0;padding-left:.8rem;border-left:.5rem solid var(--mark)}
.promote{--mark:#009e73}.reject{--mark:#d55e00}.not-enough-evidence{--mark:#e69f00}
table{border-collapse:collapse;margin:1rem 0}th,td{padding:.3rem .9rem;text-align:right;border-bottom:1px solid #ccc}
th:first-child,td:first-child{text-align:left}svg{width:100%;height:auto}svg text{font-size:13px;fill:#1a1a1a}
.mark{stroke:#666;stroke-dasharray:4 3}
.people{display:grid;grid-template-columns:repeat(auto-fill,minmax(210px,1fr));gap:1rem}
figure{margin:0;break-inside:avoid}figure img{width:100%;height:auto;background:#eee}
figcaption,.facts{font-size:.85rem;color:#444}
.key span{display:inline-block;width:.9rem;height:.9rem;margin:0 .3rem 0 1rem;vertical-align:-.1rem}
@media(max-width:40rem){th,td{padding:.3rem .4rem;font-size:.85rem}}
""".strip()


def write_report(
    path: Path,
    record: Mapping[str, Any],
    people: People,
    images: Images,
    predictions: Mapping[str, Prediction],
    figures: Mapping[str, Mapping[str, float]],
) -> None:
    """Write the report of verdict `record` (the content of verdict.json).

    `predictions` and `figures` hold "candidate" and, unless it is the first model, "champion".
    """
    rows = telling_people(people, predictions, PICTURES)
    pictures = [picture(people, images, int(row), predictions) for row in rows]
    title = _HEADLINE[record["verdict"]]
    body = [
        f'<h1 class="{record["verdict"]}">{escape(title)}</h1><p>{escape(record["reason"])}</p>',
        "<h2>Average precision (OKS)</h2>" + _plot(record),
        _table(record, figures),
        _people_section(pictures, list(predictions)),
        _facts(record),
    ]
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style>"
    )
    with atomic_path(path) as partial:
        partial.write_text(f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(body)}</body></html>\n')


def _plot(record: Mapping[str, Any]) -> str:
    bars = [Bar("candidate", **record["AP"], color=COLORS["candidate"][0])]
    if record["gain"] is None:
        return forest_plot(bars, {"floor": record["policy"]["floor_ap"]})
    bars.append(Bar("champion", **record["champion_AP"], color=COLORS["champion"][0]))
    gain = [Bar("gain", **record["gain"], color=COLORS["candidate"][0])]
    marks = {"no gain": 0.0}
    if record["policy"]["primary"]["margin"]:
        marks["asked for"] = next(check["limit"] for check in record["checks"] if check["kind"] == "primary")
    return forest_plot(bars, {}) + forest_plot(gain, marks)


def _table(record: Mapping[str, Any], figures: Mapping[str, Mapping[str, float]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in ("", *figures, *(["gain"] if len(figures) > 1 else [])))
    intervals = {"candidate": record["AP"], "champion": record["champion_AP"]}
    lines = []
    for name in figures["candidate"]:
        values = [figures[who].get(name) for who in figures]
        cells = [
            _cell(value, intervals[who] if name == "AP" else None) for who, value in zip(figures, values, strict=True)
        ]
        if len(values) > 1:
            both = values[0] is not None and values[1] is not None
            gain = values[0] - values[1] if both else None  # type: ignore[operator]
            cells.append(_cell(gain, record["gain"] if name == "AP" else None, sign="+"))
        lines.append(f"<tr><td>{escape(name)}</td>{''.join(cells)}</tr>")
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def _cell(value: float | None, interval: Mapping[str, float] | None, sign: str = "") -> str:
    if value is None:
        return "<td>-</td>"
    bounds = f" [{interval['low']:{sign}.3f}, {interval['high']:{sign}.3f}]" if interval else ""
    return f"<td>{value:{sign}.3f}{bounds}</td>"


def _people_section(pictures: list[Picture], models: list[str]) -> str:
    title = "People on whom the two differ most" if len(models) > 1 else "People the candidate finds worst"
    key = "".join(f'<span style="background:{COLORS[name][0]}"></span>{name}' for name in ("labelled", *models))
    shown = "".join(
        f'<figure><img alt="" src="{p.source}"><figcaption>{escape(p.caption)}</figcaption></figure>' for p in pictures
    )
    return f'<h2>{title}</h2><p class="key">{key}</p><div class="people">{shown}</div>'


def _facts(record: Mapping[str, Any]) -> str:
    policy, test = record["policy"], record["test"]
    facts = {
        "candidate": record["candidate"],
        "champion pinned for this round": record["champion"] or "none: this is the first model",
        "run by": record["models"]["candidate"]["file"],
        "test set": f"{test['people']} people in {test['images']} images, sha256 {test['sha256'][:12]}; "
        "people are found in their labelled boxes",
        "interval": f"{policy['level']:.0%} percentile interval, {policy['resamples']} paired bootstrap resamples of "
        f"{test['clusters']} clusters ({policy['cluster']})",
    }
    lines = "".join(f"<tr><td>{escape(name)}</td><td>{escape(str(value))}</td></tr>" for name, value in facts.items())
    return f'<h2>How this was measured</h2><table class="facts">{lines}</table>'
