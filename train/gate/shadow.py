"""What a candidate's shadow showed, as the verdict and the report keep it."""

from pathlib import Path

from dataengine.keypoints import COCO_KEYPOINTS
from dataengine.serving.shadow.figures import AgreementCount, ShadowAgreement, read_agreement
from dataengine.terminal.speech import say

from .comparison import ShadowEvidence, ShadowRow

PEOPLE = "people"


def shadow_evidence(folder: Path | None, champion: str, candidate: str, level: float) -> ShadowEvidence | None:
    """The figures in `folder` of this pair of models, by id; None where there are none, which is said.

    Raises:
        InputError: the folder holds no figures of `dataengine serve --shadow`.
    """
    if folder is None:
        return None
    figures = read_agreement(folder, champion, candidate)
    if figures is None or not figures.people.compared:
        say(f"{folder} has no answers of candidate {candidate} next to champion {champion or '(none)'}")
        return None
    return ShadowEvidence(
        differ_below=figures.differ_below,
        since=figures.since,
        until=figures.until,
        rows=tuple(_rows(figures, level)),
        outcomes=dict(figures.outcomes),
    )


def _rows(figures: ShadowAgreement, level: float) -> list[ShadowRow]:
    joints = {name: figures.joints.get(name, AgreementCount()) for name in COCO_KEYPOINTS}
    rows = []
    for name, count in ({PEOPLE: figures.people} | joints).items():
        rate = count.rate(level)
        if rate is not None:
            rows.append(ShadowRow(name, count.compared, count.agreed, rate))
    return rows
