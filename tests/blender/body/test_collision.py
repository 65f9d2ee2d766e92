"""Self-intersection against a pose that is wrong by construction, and against Anny's triangle test."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dataengine.blender.body.collision import FLESH_GIVES_M, BodyParts, deepest_overlap_m, overlaps_m
from dataengine.blender.body.model import BODY_VERTICES, BodyModel, load_anny
from dataengine.blender.poses.library import jittered, read_pose_library
from dataengine.blender.poses.posing import solve_orientations

pytestmark = pytest.mark.bpy
PHENOTYPES = ({"age": 0.7}, {"age": 0.3, "gender": 0.1}, {"age": 0.95, "weight": 0.95, "gender": 0.9})


@pytest.fixture(scope="module")
def model(body_cache: Path) -> BodyModel:
    return BodyModel.load(body_cache)


@pytest.fixture(scope="module")
def parts(model: BodyModel) -> BodyParts:
    return BodyParts.of(model.template)


@pytest.mark.parametrize("phenotype", PHENOTYPES)
def test_a_body_at_rest_is_free_and_hands_in_the_belly_are_not(
    model: BodyModel, parts: BodyParts, phenotype: dict[str, float]
) -> None:
    shape = model.shape(phenotype)
    assert deepest_overlap_m(parts, shape.vertices_m) == 0
    bone, body = model.template.vertex_bone[:BODY_VERTICES], shape.vertices_m.copy()
    hand = np.flatnonzero(np.char.startswith(bone, "finger") & (body[:BODY_VERTICES, 0] > 0))
    belly = body[np.flatnonzero(bone == "spine04")].mean(axis=0)
    body[hand] += belly - body[hand].mean(axis=0)
    found = overlaps_m(parts, body)
    assert found["hand"] > FLESH_GIVES_M
    assert found["foot"] == found["shin"] == 0


def test_it_agrees_with_crossing_triangles(model: BodyModel, parts: BodyParts, body_cache: Path) -> None:
    """What is deep crosses, and what does not cross is not deep. Fists are left out: they touch themselves."""
    quads = model.template.quads[(model.template.quads < BODY_VERTICES).all(axis=1)]
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    crossing = _crossing_triangles(body_cache, triangles)
    rng, shape = np.random.default_rng(3), model.shape(PHENOTYPES[0])
    deep, crossed = [], []
    for pose in (pose for pose in read_pose_library() if pose.curl < 50):
        body, _ = model.posed(PHENOTYPES[0], solve_orientations(jittered(pose, 8.0, rng), shape.skeleton))
        deep.append(deepest_overlap_m(parts, body))
        crossed.append(crossing(body))
    depth, count = np.array(deep), np.array(crossed)
    assert (depth > FLESH_GIVES_M).sum() > 5
    assert (count[depth > FLESH_GIVES_M] > 0).all()
    assert (depth[count == 0] < 0.01).all()
    assert np.mean((depth > 0) == (count > 0)) > 0.8


def _crossing_triangles(body_cache: Path, triangles: np.ndarray) -> Any:
    """Anny's own test, over the skin alone."""
    import torch
    import warp
    from anny.utils.collision import SelfInterpenetrationModule

    warp.config.quiet = True  # type: ignore[attr-defined]
    anny_model, _ = load_anny(body_cache)
    skin = SimpleNamespace(
        get_triangular_faces=lambda: torch.tensor(triangles),
        device=torch.device("cpu"),
        bone_labels=anny_model.bone_labels,
        vertex_bone_indices=anny_model.vertex_bone_indices,
        vertex_bone_weights=anny_model.vertex_bone_weights,
        template_vertices=anny_model.template_vertices,
    )
    module = SelfInterpenetrationModule(skin)
    return lambda body: int((module.detect_self_intersections(torch.tensor(body)) >= 0).sum())
