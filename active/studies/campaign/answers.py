"""What the rounds of an arm asked people for and got: selections and answers, carried from round to round.

A round begins with the labels of what the one before chose. They enter the label store as an import of a project does,
so that `dataengine request` counts how many of a request's pictures were labelled.
"""

from __future__ import annotations

import shutil

import numpy as np

from dataengine.labels.label_store import add_labels
from dataengine.rounds.asked import read_rounds

from ..sets import LabelledImages
from .places import RoundFolder

ANNOTATOR = "campaign"
ASKED, LABELS = "asked", "labels"
"""Folders of a round: the records of `select`, and the label store."""


def carry_answers(before: RoundFolder, folder: RoundFolder, labelled: LabelledImages) -> None:
    """Take over the records and labels of the round `before`, and answer what it asked from those `labelled` now.

    Raises:
        InputError: a record or a label file is damaged, or a picture has changed.
    """
    for name in (ASKED, LABELS):
        if before.of(name).is_dir():
            shutil.copytree(before.of(name), folder.of(name), dirs_exist_ok=True)
    for asked in read_rounds(folder.of(ASKED))[-1:]:
        keys, people = labelled.keys, labelled.people
        sha256_of = dict(zip(people.image_id.tolist(), people.extras["sha256"].tolist(), strict=True))
        _, first = np.unique(keys, return_index=True)  # copies of one file are one picture
        rows = [row for row in sorted(first.tolist()) if sha256_of[int(labelled.images.id[row])] in asked.picks]
        if not rows:
            continue
        images = labelled.images.take(np.array(rows))
        own = people.take(np.isin(people.image_id, images.id))
        columns = {"sha256": own.extras["sha256"], "annotator": np.array([ANNOTATOR] * len(own))}
        add_labels(
            folder.of(LABELS),
            own.replace(extras=columns),
            images,
            np.array([sha256_of[image] for image in images.id.tolist()]),
            nobody={},
            origin={"selection_sha256": asked.selection_sha256},
            info={},
        )
