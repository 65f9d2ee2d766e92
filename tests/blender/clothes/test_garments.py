"""Skirts and long hair: where they end, what they cover, and that they move with the body."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dataengine.blender.body.model import BodyModel
from dataengine.blender.clothes.appearance import Look, draw_look
from dataengine.blender.clothes.dressing import BOTTOM, HAIR, SKIN, Tailor, dress
from dataengine.blender.geometry.mesh import Mesh
from dataengine.blender.poses.library import read_pose_library
from dataengine.blender.poses.posing import solve_orientations
from dataengine.blender.scene.layout import make_tailor

pytestmark = pytest.mark.bpy
WOMAN = {"age": 0.7, "gender": 0.9, "african": 0.3, "asian": 0.3, "caucasian": 0.4}


@pytest.fixture(scope="module")
def model(body_cache: Path) -> BodyModel:
    return BodyModel.load(body_cache)


@pytest.fixture(scope="module")
def tailor(model: BodyModel) -> Tailor:
    return make_tailor(model.template)


def looks(length: float, *, is_skirt: bool, hair_style: str = "long") -> Look:
    look = draw_look(WOMAN, np.random.default_rng(0))
    return replace(look, hair_style=hair_style, bottom=replace(look.bottom, length=length, is_skirt=is_skirt))


def dressed(model: BodyModel, tailor: Tailor, look: Look, pose_name: str = "stand") -> Mesh:
    shape = model.shape(WOMAN)
    pose = next(pose for pose in read_pose_library() if pose.name == pose_name)
    body, _ = model.posed(WOMAN, solve_orientations(pose, shape.skeleton))
    return dress(tailor, shape, body, look, np.random.default_rng(0))


def lowest_cloth_m(mesh: Mesh) -> float:
    return float(mesh.vertices_m[mesh.quads[mesh.surface_of_quad == BOTTOM]][..., 2].min())


def test_a_skirt_ends_where_its_length_says(model: BodyModel, tailor: Tailor) -> None:
    hems = [lowest_cloth_m(dressed(model, tailor, looks(length, is_skirt=True))) for length in (0.7, 1.05, 1.5)]
    assert hems[0] > hems[1] > hems[2]
    shape = model.shape(WOMAN)
    knee_m = shape.joints_m[13, 2] - shape.vertices_m[:, 2].min()
    standing = dressed(model, tailor, looks(1.0, is_skirt=True))
    assert lowest_cloth_m(standing) - standing.vertices_m[:, 2].min() == pytest.approx(knee_m, abs=0.08)


def test_a_skirt_is_a_tube_without_holes(tailor: Tailor) -> None:
    quads = tailor.skirt.quads
    edges = np.sort(np.stack([quads, np.roll(quads, -1, axis=1)], axis=-1).reshape(-1, 2), axis=1)
    _, counts = np.unique(edges, axis=0, return_counts=True)
    assert set(counts) == {1, 2}
    assert (counts == 1).sum() == 2 * 36, "a waist and a hem, nothing else is open"
    spans = np.ptp(tailor.skirt.corner_uv, axis=1)
    assert spans.max() < 0.2, "no quad stretches the texture around the whole tube"


def test_under_a_skirt_the_skin_is_cloth_too(model: BodyModel, tailor: Tailor) -> None:
    mesh = dressed(model, tailor, looks(1.5, is_skirt=True))
    skin = mesh.vertices_m[mesh.quads[mesh.surface_of_quad == SKIN]].mean(axis=1)
    hips_m = mesh.vertices_m[:, 2].min() + tailor.wardrobe.hip_m - tailor.wardrobe.ankle_m
    near_body = np.abs(skin[:, 0]) < 0.12  # not the hands
    assert not (near_body & (np.abs(skin[:, 2] - hips_m) < 0.1)).any()


@pytest.mark.parametrize("pose", ["run", "sit_on_floor", "crab", "handstand_split"])
def test_a_skirt_follows_the_legs(model: BodyModel, tailor: Tailor, pose: str) -> None:
    """No edge of the skirt grows without bounds, and its waist stays at the body's."""
    look = looks(1.05, is_skirt=True)
    rest, posed = dressed(model, tailor, look), dressed(model, tailor, look, pose)
    quads = posed.quads[posed.surface_of_quad == BOTTOM]
    lengths = [np.linalg.norm(m.vertices_m[quads[:, 0]] - m.vertices_m[quads[:, 1]], axis=1) for m in (rest, posed)]
    assert np.quantile(lengths[1] / np.maximum(lengths[0], 0.01), 0.99) < 6


def test_long_hair_reaches_the_back_and_short_hair_does_not(model: BodyModel, tailor: Tailor) -> None:
    def lowest_m(style: str) -> float:
        mesh = dressed(model, tailor, looks(1.9, is_skirt=False, hair_style=style))
        return float(mesh.vertices_m[mesh.quads[mesh.surface_of_quad == HAIR]][..., 2].min())

    assert lowest_m("short") > lowest_m("full") > lowest_m("long") + 0.1


def test_looks_are_drawn_with_every_garment_and_hair() -> None:
    rng = np.random.default_rng(0)
    drawn = [draw_look({**WOMAN, "gender": gender}, rng) for gender in (0.1, 0.9) for _ in range(200)]
    assert {look.hair_style for look in drawn} == {"bald", "short", "full", "long"}
    skirts = [look.bottom.is_skirt for look in drawn]
    assert not any(skirts[:200]) and 0.2 < np.mean(skirts[200:]) < 0.5
