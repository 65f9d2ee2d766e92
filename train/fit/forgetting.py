"""What a fine-tuning fit forgets: the AP on an earlier round's test people, before it and after.

Goodfellow et al., "An Empirical Investigation of Catastrophic Forgetting in Gradient-Based Neural Networks", 2013.
`val_oks_ap` measures today's people; a network that gains on them may have lost on earlier ones.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from torch import nn

from dataengine.coco_json import read_project_people
from dataengine.errors import InputError
from dataengine.evaluation.ap.protocol import COCO, OksProtocol
from dataengine.evaluation.figures import figures_of
from dataengine.inference.running.predict import predict_people, torch_runner
from dataengine.nets.checkpoint import ModelMeta
from dataengine.people import Images, People

from .data import refuse_shared_images
from .learnt_from.training_set import TrainingSet
from .origin import origin_folder, read_checkpoint
from .params import FitParams
from .start import choose_device


@dataclass(frozen=True, eq=False)
class OldTest:
    """People of an earlier round."""

    people: People
    images: Images
    protocol: OksProtocol
    ap_before: float | None
    """OKS AP of the network that the fit starts from; None if it starts from none of ours."""


def old_test_set(params: FitParams, training: TrainingSet, protocol: OksProtocol = COCO) -> OldTest | None:
    """The people of `old_test`, and the AP of `start_from` on them; None if `old_test` is null.

    Raises:
        InputError: the file has no people, or a picture of it is among the training people's.
    """
    if params.old_test is None:
        return None
    people, images = read_project_people(Path(params.old_test))
    if not len(people):
        raise InputError(f"{params.old_test} has no people to test on")
    refuse_shared_images(images, training.images, params.old_test)
    origin = origin_folder(params)
    if origin is None:
        return OldTest(people, images, protocol, None)
    net, meta = read_checkpoint(origin)
    ap = average_precision(net.to(choose_device(params)), meta, people, images, protocol)
    return OldTest(people, images, protocol, ap)


def forgetting(old: OldTest | None, net: nn.Module, meta: ModelMeta, *, batch: int = 64) -> dict[str, float]:
    """AP before and after, and what was lost; a gain is a negative loss.

    Without an earlier network there is only the AP after; without old people, nothing.
    """
    if old is None:
        return {}
    after = average_precision(net, meta, old.people, old.images, old.protocol, batch=batch)
    if old.ap_before is None:
        return {"old_test_ap_after": after}
    return {"old_test_ap_before": old.ap_before, "old_test_ap_after": after, "forgotten_ap": old.ap_before - after}


def average_precision(
    net: nn.Module,
    meta: ModelMeta,
    people: People,
    images: Images,
    protocol: OksProtocol = COCO,
    *,
    batch: int = 64,
) -> float:
    """OKS AP of a network on labelled people, `batch` at a time.

    They are ranked by the mean confidence, since one of the two networks compared has not learnt its score yet.
    """
    meta = replace(meta, score=None)
    prediction = predict_people(torch_runner(net), meta, people, images, batch=batch, description="old test set")
    return figures_of(people, images, prediction.as_people(people), protocol).ap
