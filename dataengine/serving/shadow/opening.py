"""A shadow from its opening to its end."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dataengine.errors import InputError
from dataengine.keypoints import COCO_KEYPOINTS
from dataengine.terminal.speech import say

from ..asked.metrics import ServingMetrics
from ..asked.served_model import ServedModel, served_model
from .asking import Shadow
from .params import ShadowParams


@contextmanager
def shadow_of(
    candidate: Path | None, champion: ServedModel, folder: Path, params: ShadowParams, metrics: ServingMetrics
) -> Iterator[Shadow | None]:
    """The shadow of `champion` inside the block; None without a candidate.

    Raises:
        InputError: the candidate is the champion itself, speaks of other joints, or the folder is not a shadow's.
    """
    if candidate is None:
        yield None
        return
    model = served_model(candidate, "cpu", threads=1)
    if model.id == champion.id:
        raise InputError("the candidate is the champion", expected="another model", got=model.id)
    for who in (champion, model):
        if tuple(who.open.meta.keypoints) != COCO_KEYPOINTS:
            raise InputError(f"model {who.id} has other joints", expected="COCO's 17 in their order")
    shadow = Shadow(champion, model, folder, params, metrics)
    say(f"candidate {model.id} answers in the shadow; {folder} keeps whom the two differ on")
    try:
        yield shadow
    finally:
        shadow.close()
