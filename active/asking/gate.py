"""Needs from the gate: slices of the test set in which the candidate's AP lies below that of all of it.

What is asked for is what is rare and wrong: the AP that a slice lacks, times the share of training people who are not
of it. A slice is named, its people are not shown: examples are people of the same slice in training, in the pool or in
validation.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dataengine.poses.training_poses import TrainingPoses

from .need import Need, rarity
from .parts import KINDS, kind_of, people_of_part
from .request_params import RequestParams
from .shown_people import ShownPeople
from .verdict_figures import VerdictFigures


def needs_of_gate(
    verdict: VerdictFigures, known: ShownPeople, poses: TrainingPoses | None, params: RequestParams
) -> Iterator[Need]:
    """A need for each slice that lies `params.min_gap` below the whole set and holds `params.min_people` people."""
    training = known.rows_from("train")
    errors = f"; what costs AP most over all slices: {verdict.commonest_errors[0]}" if verdict.commonest_errors else ""
    for figures in verdict.slices.values():
        lacking = verdict.ap.value - figures.ap.value
        if kind_of(figures.name) not in KINDS or figures.people < params.min_people or lacking < params.min_gap:
            continue
        of_part = people_of_part(figures.name, known.people, known.images, poses)
        share = float(np.mean(of_part[training])) if training.any() else 0.0
        yield Need(
            asked_by="gate",
            part=figures.name,
            weight=lacking * rarity(of_part[training]),
            reason=(
                f"AP {figures.ap.value:.3f} ({figures.ap.low:.3f} to {figures.ap.high:.3f}) on {figures.people} people"
                f" of {figures.name}, {lacking:.3f} below all; {share:.1%} of the training people are like them{errors}"
            ),
            evidence={
                "AP": figures.ap.value,
                "low": figures.ap.low,
                "high": figures.ap.high,
                "all": verdict.ap.value,
                "people": figures.people,
                "training_share": round(share, 6),
                "candidate": verdict.candidate,
                "test_sha256": verdict.test_sha256,
            },
        )
