"""What a rule chooses in a round: the steps of `select`, on people whose labels are known but not looked at.

Boxes are the labels', as a detector would give them at its best. Everything else a rule knows is what the network of
the round before answers, and what its answers to the validation people are worth. A teacher, a second
network and balance are missing, so their scores are left out. Frames of a film are thinned as `select` does; pictures
that look alike are not.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dataengine.evaluation.ap.protocol import OksProtocol
from dataengine.files import short_sha256
from dataengine.people import People

from ..query.embeddings import joint_embedding
from ..query.picking import PickRules, candidate_images, pick_images
from ..query.scoring import Networks, embedding_blocks, learn_losses, look, scored_people
from ..query.select_params import SelectParams
from .plan import RANDOM, RULES
from .sets import LabelledImages


def choose(
    rule: str,
    network: Path,
    *,
    candidates: LabelledImages,
    labelled: LabelledImages,
    val: LabelledImages,
    n: int,
    seed: int,
    params: SelectParams,
    protocol: OksProtocol,
) -> list[str]:
    """Keys of `n` of the candidates' images, first choice first; fewer where film leaves fewer.

    Args:
        rule: key of `RULES`.
        network: checkpoint folder of the round before.
        candidates: who may be chosen; of their labels only the boxes are used.
        labelled: what the network has learnt from.
        val: people whose labels say what scores are worth.
        n: images to choose.
        seed: for what is drawn at random.
        params: section `select` of params.yaml.
        protocol: how loss is counted.
    """
    own = RULES[rule]
    people, images = candidates.people, candidates.images
    if rule == RANDOM:
        scored = people.with_extra("worth", np.ones(len(people)))
        embeddings, covered = np.zeros((len(people), 1)), np.zeros((0, 1))
    else:
        weights = own.weights(params)
        networks = Networks(
            student=network,
            jittered=weights["jitter"] > 0,
            peaks=weights["peaks"] > 0,
            dropout=weights["dropout"] > 0,
        )
        seen = look(networks, _without_labels(people), images)
        judged = look(networks, val.people, val.images)
        learnt = look(Networks(student=network), labelled.people, labelled.images)
        curves = None
        if any(weights.values()):
            curves, _ = learn_losses(judged, val.people, val.images, weights, protocol)
        scored = scored_people(seen, people, images, weights, None, protocol, curves)
        parts = [(seen, people), (learnt, labelled.people), (judged, val.people)]
        together = joint_embedding(*embedding_blocks(parts), params.appearance_weight)
        embeddings, *others = np.split(together, np.cumsum([len(people) for _, people in parts])[:-1])
        covered = np.concatenate(others)
    choice = candidate_images(scored, images)
    rules = PickRules(
        strategy=own.strategy,
        budget=n,
        min_gap_frames=params.min_gap_frames,
        film_excess=params.film_excess,
        seed=seed,
    )
    picked = pick_images(choice, images, embeddings, covered, np.ones(len(choice.score)), rules)
    return [short_sha256(str(sha256)) for sha256 in choice.sha256[picked]]


def _without_labels(people: People) -> People:
    """The same people with no joint labelled, so that nothing but their boxes can have a say."""
    return people.replace(visibility=np.zeros_like(people.visibility))
