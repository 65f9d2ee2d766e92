"""health.html: one page on what a run of the stage accepted."""

import base64
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dataengine.files import atomic_path
from dataengine.keypoints import COCO_KEYPOINTS
from dataengine.people import Images, People
from dataengine.pictures.encoding import data_uri
from dataengine.studies.page import new_figure

from ..pseudo.filters import KEPT, JointVerdict
from ..trust.figures import Reached, diagrams, first_confidence, reached
from ..trust.reliability_plot import draw_reliability
from ..trust.validation import Learned
from .joint_crops import JointAt, joint_crops, spread_over
from .meanings import JOINTS_MEAN, PEOPLE_MEAN
from .template import PAGE

SHOWN, JPEG_QUALITY = 48, 85
NO_FILM = "single pictures"
NAMES = tuple(name.replace("_", " ") for name in COCO_KEYPOINTS)


def write_health(
    path: Path, people: People, images: Images, verdict: JointVerdict, learned: Learned, metrics: Mapping[str, Any]
) -> None:
    """Write the page about `people` in `images`; pictures are inlined, so that it loads nothing."""
    from jinja2 import Environment

    accepted = verdict.reason == KEPT
    text = (
        Environment(autoescape=True)
        .from_string(PAGE)
        .render(
            metrics=metrics,
            joints_mean=JOINTS_MEAN,
            people_mean=PEOPLE_MEAN,
            trust_line=learned.line(),
            why_not=learned.why_not,
            joints=NAMES,
            films=list(_films(people, images, accepted)),
            precision=list(_precision(learned)),
            reliability=_reliability(learned),
            sheets=_sheets(people, images, verdict, accepted),
        )
    )
    with atomic_path(path) as partial:
        partial.write_text(text, encoding="utf-8")


def _films(people: People, images: Images, accepted: np.ndarray) -> Iterator[dict[str, Any]]:
    video = images.video[images.rows_of(people.image_id)]
    for film in np.unique(video):
        mine = accepted[video == film]
        yield {"name": str(film) or NO_FILM, "people": len(mine), "shares": mine.mean(axis=0).tolist()}


def _precision(learned: Learned) -> Iterator[dict[str, Any]]:
    """Rows for all joints together, then for each that is judged."""
    if learned.rule is None or learned.scored is None:
        return
    scored, judged = learned.scored, learned.rule.judged
    known = scored.known
    accepted = scored.acceptable & (scored.log_odds >= learned.rule.cutoffs()) & judged
    for name, columns in (("all", judged), *((NAMES[j], np.arange(len(NAMES)) == j) for j in np.flatnonzero(judged))):
        figures = reached(accepted[:, columns], scored.right[:, columns], known.labelled[:, columns], known.group)
        yield {
            "joint": name,
            "labelled": figures.labelled,
            "coverage": figures.coverage.value,
            "precision": _in_words(figures),
        }


def _in_words(figures: Reached) -> str:
    interval = figures.precision
    return "-" if interval is None else f"{interval.value:.3f} ({interval.low:.3f} to {interval.high:.3f})"


def _reliability(learned: Learned) -> str:
    if learned.scored is None:
        return ""
    figure = new_figure(4.5, 4)
    before_after = diagrams(learned.scored, first_confidence(learned.scored.known))["all"]
    draw_reliability(figure.subplots(), before_after)
    content = io.BytesIO()
    figure.savefig(content, format="png", metadata={"Software": None})
    return "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()


def _sheets(
    people: People, images: Images, verdict: JointVerdict, accepted: np.ndarray
) -> list[tuple[str, list[dict[str, str]]]]:
    rng = np.random.default_rng(0)
    sheets = []
    for title, chosen, is_good in (("Accepted joints", accepted, True), ("Rejected joints", ~accepted, False)):
        joints = spread_over(chosen, SHOWN, rng)
        pictures = joint_crops(people, images, verdict.keypoints_px, joints, is_good)
        shown = [
            {"uri": data_uri(picture, quality=JPEG_QUALITY), "caption": _caption(verdict, at)}
            for picture, at in zip(pictures, joints, strict=True)
        ]
        sheets.append((f"{title}, {len(shown)} of {int(chosen.sum())}", shown))
    return sheets


def _caption(verdict: JointVerdict, at: JointAt) -> str:
    reason = str(verdict.reason[at.row, at.joint])
    return f"{NAMES[at.joint]}, {f'trust {verdict.trust[at.row, at.joint]:.2f}' if reason == KEPT else reason}"
