"""What two annotators agree on, as a page with a plot, and the sigmas for scoring and losses."""

import math
from pathlib import Path

import numpy as np

from dataengine.evaluation.analysis.interval import Interval
from dataengine.evaluation.own_sigmas import JointSigma, OwnSigmas
from dataengine.keypoints import COCO_KEYPOINTS, COCO_SIGMAS
from dataengine.studies.page import BLUE, GREY, new_figure, paragraph, write_page

from .agreement import GROSS, LEAST_PAIRS, AnnotatorAgreement, JointAgreement
from .pairing import Pairing

PAGE = "agreement"


def write_agreement(report: Path, found: AnnotatorAgreement, pairing: Pairing, *, level: float, command: str) -> None:
    """Write agreement.md and agreement.png into the folder `report`."""
    write_page(report, PAGE, agreement_page(found, pairing, level=level, command=command), _figure(found))


def own_sigmas(found: AnnotatorAgreement, pairing: Pairing, level: float) -> OwnSigmas:
    """The sigmas of the joints that enough people have labelled twice."""
    known = {name: (joint.sigma, joint.pairs) for name, joint in found.joints.items() if joint.sigma is not None}
    joints = {
        name: JointSigma(sigma=sigma.value, low=sigma.low, high=sigma.high, pairs=pairs)
        for name, (sigma, pairs) in known.items()
    }
    return OwnSigmas(joints=joints, people=len(pairing.first), pictures=pairing.pictures, level=level)


def agreement_page(found: AnnotatorAgreement, pairing: Pairing, *, level: float, command: str) -> list[str]:
    """Markdown: the command, who was compared, the plot, a line for each joint, how to read it."""
    return [
        "# How well two annotators agree",
        "",
        f"    {command}",
        "",
        *paragraph(
            f"{pairing.pictures} pictures are in both sets; {len(pairing.first)} people in them were labelled by both,",
            f"{pairing.alone[0]} by the first alone and {pairing.alone[1]} by the second alone.",
            f"{len(found.exchanged)} people have left and right exchanged in one of the two.",
        ),
        "",
        "![Sigma of each joint, next to COCO's](agreement.png)",
        "",
        f"| joint | people | sigma, {level:.0%} interval | COCO's | from mean | gross | one alone | kappa of flags |",
        "|---|---|---|---|---|---|---|---|",
        *(
            _row(name, found.joints[name], coco)
            for name, coco in zip(COCO_KEYPOINTS, COCO_SIGMAS.tolist(), strict=True)
        ),
        "",
        *paragraph(
            "Sigma is the spread of one annotator about the true place, as a share of the square root of the person's",
            "area, from the median distance of the two labels; gross errors decide that from the mean.",
            f"Gross: more than {GROSS:g} sigma of the difference of two labels apart. Intervals resample pictures.",
            f"A joint with fewer than {LEAST_PAIRS} people has no sigma, and COCO's counts for it.",
            "If one annotator is better than the other, sigma lies between the two.",
        ),
    ]


def _row(name: str, joint: JointAgreement, coco: float) -> str:
    sigma = "-" if joint.sigma is None else _words(joint.sigma)
    plain, kappa = (
        ("-" if math.isnan(v) else f"{v:.{d}f}") for v, d in ((joint.plain_sigma, 3), (joint.flag_kappa, 2))
    )
    gross = "-" if joint.sigma is None else str(joint.gross)
    return f"| {name} | {joint.pairs} | {sigma} | {coco:.3f} | {plain} | {gross} | {joint.one_alone} | {kappa} |"


def _words(sigma: Interval) -> str:
    return f"{sigma.value:.3f} ({sigma.low:.3f} to {sigma.high:.3f})"


def _figure(found: AnnotatorAgreement):  # type: ignore[no-untyped-def]  # matplotlib is imported when it is used
    figure = new_figure(7.0, 4.5)
    axes = figure.subplots()
    place = np.arange(len(COCO_KEYPOINTS))
    axes.plot(COCO_SIGMAS, place, "|", color=GREY, markersize=14, markeredgewidth=2, label="COCO")
    measured = [(i, found.joints[n].sigma) for i, n in enumerate(COCO_KEYPOINTS) if found.joints[n].sigma is not None]
    for row, sigma in measured:
        assert sigma is not None
        axes.plot([sigma.low, sigma.high], [row, row], color=BLUE)
        axes.plot(sigma.value, row, "o", color=BLUE, label="these two annotators" if row == measured[0][0] else None)
    axes.set_yticks(place, [name.replace("_", " ") for name in COCO_KEYPOINTS])
    axes.invert_yaxis()
    axes.set_xlim(left=0)
    axes.set_xlabel("sigma, as a share of the square root of the person's area")
    axes.legend(frameon=False)
    return figure
