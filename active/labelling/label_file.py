"""What is kept of an import: the answers in an order that depends on their content alone, each with its picture.

The same labels give the same file, whatever order the tool wrote them in. Where and how they are kept:
`dataengine/labels/label_store.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.labels.label_store import Added, add_labels
from dataengine.people import Images, People

from .answers import AnnotatorAnswers
from .sent import Sent


def keep_labels(
    folder: Path, answers: AnnotatorAnswers, sent: Sent, *, origin: Mapping[str, Any], info: Mapping[str, Any]
) -> Added:
    """Add the answers to the label store `folder`, with the very pictures that were sent.

    Args:
        origin: from what the answers were read.
        info: what else is kept with them.

    Raises:
        InputError: a picture is not the one that was sent any more, and the store does not have it either.
    """
    people, images, sha256 = _in_order(answers, sent)
    return add_labels(folder, people, images, sha256, nobody=answers.nobody, origin=origin, info=info)


def _in_order(answers: AnnotatorAnswers, sent: Sent) -> tuple[People, Images, NDArray[np.str_]]:
    """Sorted by image hash, then box; image ids count from 0. Hand-labelled people are real, of weight 1."""
    people = answers.people
    people = people.take(np.lexsort((*people.bbox_xywh_px.T[::-1], people.extras["sha256"])))
    row_sent = {key: row for row, key in enumerate(sent.sha256.tolist())}
    answered = sorted(answers.sha256)
    images = sent.images.take([row_sent[key] for key in answered]).replace(id=np.arange(len(answered)))
    number = {key: new for new, key in enumerate(answered)}
    ordered = People.build(
        image_id=[number[key] for key in people.extras["sha256"].tolist()],
        bbox_xywh_px=people.bbox_xywh_px,
        keypoints_px=people.keypoints_px,
        visibility=people.visibility,
        extras=dict(people.extras),
    )
    return ordered, images, np.array(answered, dtype="<U64")
