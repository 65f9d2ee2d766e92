"""Columns of figures about single people: OKS of each model, OKS between them, where their poses stand.

OKS is COCO's, by `dataengine.evaluation.ap` with the project's sigmas. FiftyOne's own keypoint similarity is another
one (`findings/fiftyone_keypoint_similarity.sh`) and is not used.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.columns import object_column
from dataengine.evaluation.ap.oks import person_oks
from dataengine.evaluation.ap.oks_formula import joint_similarities, mean_similarity
from dataengine.evaluation.ap.protocol import OksProtocol
from dataengine.people import Images, People
from dataengine.person_scale import person_area
from dataengine.poses.clusters import UNCLUSTERED
from dataengine.poses.training_poses import TrainingPoses

from .champion import ChampionAnswers
from .run_tables import STANDING, stacked


def with_student_oks(labelled: People, protocol: OksProtocol) -> People:
    """Column `student_oks`: OKS of the student's answer with the label."""
    if not len(labelled):
        return labelled
    return labelled.with_extra("student_oks", person_oks(labelled, stacked(labelled, "student_px"), protocol))


def with_champion(
    people: People, student_px: NDArray[Any], answers: ChampionAnswers, protocol: OksProtocol, *, labelled: bool
) -> People:
    """Columns `champion_px`, `champion_confidence`, `champion_oks` (of labelled people) and `models_oks`.

    `models_oks` is the OKS between both answers over the joints that the champion was taught. All columns are None
    for people whose picture is gone, who were not asked about.
    """
    known = answers.known
    points = np.where(known[:, None, None], answers.keypoints_px, 0.0)
    between = joint_similarities(points, student_px, np.maximum(person_area(people), 1.0), protocol.sigmas)
    taught = np.broadcast_to(answers.taught, between.shape)
    columns: dict[str, Any] = {
        "champion_px": answers.keypoints_px.round(3).tolist(),
        "champion_confidence": answers.confidence.round(4).tolist(),
        "models_oks": mean_similarity(between, taught).round(6).tolist(),
    }
    if labelled:
        columns["champion_oks"] = person_oks(people, points, protocol).round(6).tolist()
    kept = {
        name: object_column([value if there else None for value, there in zip(values, known.tolist(), strict=True)])
        for name, values in columns.items()
    }
    return people.replace(extras={**people.extras, **kept})


def with_standing(people: People, poses: TrainingPoses) -> People:
    """Columns `STANDING` from where each pose stands among the training people's; not for training people."""
    stand = poses.look_up(people.keypoints_px, people.visibility)
    cluster = [None if value == UNCLUSTERED else value for value in stand.cluster.tolist()]
    columns = {
        "cluster": object_column(cluster),
        "rarity": object_column(stand.rarity.round(6).tolist()),
        "rare": object_column(stand.rare.tolist()),
        "novel": object_column(stand.novel.tolist()),
    }
    return people.replace(extras={**people.extras, **columns})


def with_training_standing(people: People, images: Images, training: tuple[People, Images]) -> People:
    """Columns `STANDING` of those `people` who are training people; the others keep what they have, or None.

    A training person would find itself among the training poses, so what `mix` wrote about it counts: its rarity among
    the others. A person is known by the path of the picture and the box.
    """
    trained, trained_images = training
    if "cluster" not in trained.extras:
        return people
    row_of = dict(zip(_keys(trained, trained_images), range(len(trained)), strict=True))
    rows = [row_of.get(key) for key in _keys(people, images)]
    columns = {name: list(people.extras.get(name, [None] * len(people))) for name in STANDING}
    for person, row in enumerate(rows):
        if row is None:
            continue
        for name, value in training_standing(trained, row).items():
            columns[name][person] = value
    return people.replace(extras={**people.extras, **{name: object_column(v) for name, v in columns.items()}})


def training_standing(trained: People, row: int) -> dict[str, Any]:
    """`STANDING` of a person of the training index. A repeated cluster is a rare one."""
    extras = trained.extras
    cluster, novel = extras["cluster"][row], bool(extras["novel"][row])
    if cluster is None or int(cluster) == UNCLUSTERED:
        return dict.fromkeys(STANDING)
    rarity = extras["rarity"][row]
    return {
        "cluster": int(cluster),
        "rarity": None if rarity is None else float(rarity),
        "rare": novel or float(extras["repeat_factor"][row]) > 1,
        "novel": novel,
    }


def _keys(people: People, images: Images) -> list[tuple[Any, ...]]:
    path = images.path[images.rows_of(people.image_id)].tolist()
    boxes = people.bbox_xywh_px.round(1).tolist()
    return [(place, *box) for place, box in zip(path, boxes, strict=True)]
