"""A body in a pose, tipped onto what it stands on."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..body.model import BodyModel, Shape
from ..body.support import contact_vertices, settle_on_supports, support_vertices
from ..poses.library import Pose
from ..poses.posing import settle_on_contacts, solve_orientations


def stand(
    pose: Pose, phenotype: Mapping[str, float], shape: Shape, model: BodyModel
) -> tuple[NDArray[np.float64], NDArray[np.float64], tuple[NDArray[np.int64], ...]]:
    """Vertices (v, 3), COCO joints (17, 3), and the vertices of each support; not yet lowered onto the floor."""
    body, joints = model.posed(phenotype, solve_orientations(pose, shape.skeleton))
    groups = tuple(support_vertices(model.template, part) for part in pose.supports)
    turn = np.eye(3)
    if pose.contacts:
        first, second = (contact_vertices(model.template, part) for part in pose.contacts)
        turn = settle_on_contacts(body, (first, second))
    turn = settle_on_supports(body @ turn.T, groups) @ turn
    return body @ turn.T, joints @ turn.T, groups
