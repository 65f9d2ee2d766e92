"""The three figures by which fits, exports and studies are compared: OKS AP, AP50 and PCK@0.2."""

from dataclasses import dataclass

from dataengine.evaluation.ap.oks import coco_ap
from dataengine.evaluation.ap.protocol import COCO, OksProtocol
from dataengine.evaluation.pck import pck
from dataengine.people import Images, People


@dataclass(frozen=True)
class Figures:
    """How good the predictions of a set are, each 0..1."""

    ap: float
    """OKS AP over thresholds 0.5 to 0.95."""
    ap50: float
    """OKS AP at threshold 0.5."""
    pck_02: float
    """Share of labelled joints within 0.2 of the torso."""


def figures_of(people: People, images: Images, found: People, protocol: OksProtocol = COCO) -> Figures:
    """Figures of `found`, whose row i is the prediction for row i of the labelled `people` (in the labelled boxes).

    AP is 0 where nobody counts, as when all are crowds.

    Raises:
        InputError: there is nobody, or a person stands in an unknown image.
    """
    ap = coco_ap(people, images, found, protocol)
    return Figures(ap.get("AP", 0.0), ap.get("AP50", 0.0), pck(people, found.keypoints_px))
