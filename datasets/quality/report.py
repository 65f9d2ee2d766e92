"""quality.html and quality.json: what the checks found, with pictures of what they doubt.

Text that comes from file names and labels is escaped by Jinja; pictures are inlined, so the page loads nothing.
"""

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from dataengine.files import atomic_path, write_json
from dataengine.formats.reading.content import PASSED_OVER
from dataengine.leakage.perceptual_hash import correlations

from ..checks.checking import short_names
from ..checks.finding import CHECKS, Finding
from .pictures import inlined, person_picture, small_picture, write_sheet
from .summary import Quality
from .template import PAGE

PICTURES = 24
LINES = 200  # findings listed without a picture; quality.json has all


def write_quality(folder: Path, quality: Quality) -> dict[str, Any]:
    """Write quality.html and quality.json into `folder`; returns the latter's content."""
    from jinja2 import Environment

    document = quality.document()
    write_json(folder / "quality.json", document)
    page = Environment(autoescape=True).from_string(PAGE)
    sections = list(_sections(quality))
    text = page.render(document=document, pairs=_pairs(quality), sections=sections, passed_over=PASSED_OVER)
    with atomic_path(folder / "quality.html") as partial:
        partial.write_text(text, encoding="utf-8")
    return document


def write_suspects(path: Path, quality: Quality, *, photographs: bool = True) -> list[Finding]:
    """Draw the worst suspects on one sheet, PICTURES in all, each check in turn; returns them in that order.

    Without `photographs` only their labels are drawn: such a sheet may be published.
    """
    queues = [queue for name in CHECKS if (queue := [f for f in gravest(quality.findings, name) if f.row >= 0])]
    in_turn = [finding for rank in zip_longest(*queues) for finding in rank if finding is not None][:PICTURES]
    captions = [f"{Path(finding.file).stem} {finding.check}" for finding in in_turn]
    rows = [finding.row for finding in in_turn]
    write_sheet(path, quality.checked.people, quality.checked.images, rows, captions, photographs)
    return in_turn


def gravest(findings: list[Finding], check: str) -> list[Finding]:
    """The findings of one check, the worst first; equal ones by file."""
    return sorted((f for f in findings if f.check == check), key=lambda f: (-f.score, f.file, f.id))


def least_alike(quality: Quality) -> list[tuple[int, int, float]]:
    """Near-duplicate pairs as rows and correlation: those across splits first, then the least alike."""
    first, second = quality.checked.near
    alike = correlations(quality.checked.thumbnails, first, second)
    order = np.lexsort((second, first, alike, ~quality.across_splits()))
    return [(int(first[i]), int(second[i]), float(alike[i])) for i in order]


def _pairs(quality: Quality) -> list[dict[str, str]]:
    images, names = quality.checked.images, short_names(quality.checked.images)
    return [
        {
            "first": inlined(small_picture(str(images.path[a]))),
            "second": inlined(small_picture(str(images.path[b]))),
            "caption": f"{names[a]} ({quality.split[a] or 'aside'}), {names[b]} ({quality.split[b] or 'aside'}), "
            f"correlation {alike:.2f}",
        }
        for a, b, alike in least_alike(quality)[:PICTURES]
    ]


def _sections(quality: Quality) -> Iterator[dict[str, Any]]:
    """One section per check that found something."""
    for name, (severity, says) in CHECKS.items():
        findings = gravest(quality.findings, name)
        pictured = [finding for finding in findings if finding.row >= 0][:PICTURES]
        lines = [finding for finding in findings if finding.row < 0][:LINES]
        if findings:
            yield {
                "name": name,
                "severity": severity,
                "says": says,
                "found": len(findings),
                "shown": len(pictured) + len(lines),
                "pictures": [_drawn(quality, finding) for finding in pictured],
                "lines": lines,
            }


def _drawn(quality: Quality, finding: Finding) -> dict[str, str]:
    picture = person_picture(quality.checked.people, quality.checked.images, finding.row)
    return {"source": inlined(picture), "id": finding.id, "file": finding.file, "reason": finding.reason}
