"""The observer against Blender's own projection, and its rays and masks on a scene that can be worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from dataengine.blender.bench.noting import held_mb
from dataengine.blender.clothes.textures import wrinkle_height
from dataengine.blender.cycles.observe import Light, observe
from dataengine.blender.cycles.process import import_bpy
from dataengine.blender.geometry.mesh import Mesh, Surface, boxes, plain_texture
from dataengine.blender.scene.camera import Camera, look_at
from dataengine.blender.scene.lamps import Lamp
from dataengine.blender.scene.lens import Lens
from dataengine.blender.scene.rays import first_hits
from dataengine.geometry.pixel_grid import pixel_of, to_corner

from ...helpers.meshes import soup

pytestmark = [pytest.mark.bpy, pytest.mark.in_blender]
LIGHT = Light("studio", 0.0, 1.0, 0.0)
_MIDDLE = np.zeros((1, 3))


def _box(name: str, centre: tuple[float, float, float], size: tuple[float, float, float], instance: int) -> Mesh:
    vertices, quads = boxes([(centre, size)])
    return Mesh(
        name=name,
        vertices_m=vertices,
        quads=quads,
        corner_uv=np.zeros((len(quads), 4, 2), dtype=np.float32),
        surface_of_quad=np.zeros(len(quads), dtype=np.int32),
        surfaces=(Surface(plain_texture((0.5, 0.2, 0.1))),),
        instance=instance,
        rest_m=vertices + 100.0 if instance else None,
    )


def test_rays_masks_and_projection() -> None:
    bpy = import_bpy()
    import mathutils  # comes with bpy
    from bpy_extras.object_utils import world_to_camera_view

    eye = np.array([0.3, -5.0, 1.2])
    camera = Camera(128, 96, 40.0, look_at(eye, np.array([0.0, 0.0, 0.5]), 0.1))
    meshes = [_box("a", (0, 0, 0.5), (1, 1, 1), 1), _box("b", (0.15, -2.5, 0.85), (0.2, 0.1, 0.2), 0)]
    behind_b, inside_a, off = np.array([0.0, 0.0, 0.5]), np.array([-0.4, 0.0, 0.1]), np.array([3.0, 0.0, 0.5])
    targets = np.stack([behind_b, inside_a, off])
    seen = observe(meshes, camera, LIGHT, targets, samples=1)

    assert seen.hits.mesh.tolist() == [1, 0, -1]
    assert np.isnan(seen.hits.rest_m[0]).all()
    assert np.abs(seen.hits.rest_m[1] - 100 - inside_a).max() < 1.2  # on the box, moved by the rest offset
    assert seen.image_bgr.shape == (96, 128, 3)
    assert set(np.unique(seen.instance)) == {0, 1}

    pixels, _ = camera.project(targets)
    bpy.context.view_layer.update()
    for target, pixel in zip(targets, pixels, strict=True):
        x, y, _ = world_to_camera_view(bpy.context.scene, bpy.context.scene.camera, mathutils.Vector(target))
        np.testing.assert_allclose(to_corner(pixel), [x * 128, (1 - y) * 96], atol=1e-3)
    x, y = pixel_of(camera.project(np.array([[-0.3, -0.5, 0.8]]))[0][0])
    assert seen.instance[y, x] == 1


@pytest.mark.parametrize(
    ("size", "place"), [((64, 48), (0.9, 0.6)), ((48, 64), (-0.62, -0.35)), ((63, 63), (0.0, 0.0))]
)
def test_a_rendered_dot_lies_where_it_is_labelled(size: tuple[int, int], place: tuple[float, float]) -> None:
    """A small plate that faces the camera: the middle of what it covers, by its alpha, is its projected middle."""
    camera = Camera(*size, 40.0, look_at(np.array([0.0, -5.0, 0.5]), np.array([0.0, 0.0, 0.5])))
    middle = np.array([place[0], 0.0, 0.5 + place[1]])
    plate = _box("dot", (place[0], 0.0, 0.5 + place[1]), (0.4, 1e-3, 0.4), 1)
    seen = [
        observe(
            [plate], camera, LIGHT, middle[None], samples=256, backdrop_bgr=np.full((*size[::-1], 3), grey, np.uint8)
        )
        for grey in (0, 255)
    ]
    covered = 1 - (seen[1].image_bgr.mean(axis=2) - seen[0].image_bgr.mean(axis=2)) / 255
    assert 10 < covered.sum() < 60, "a dot of a few pixels"
    at = [(covered * axis).sum() / covered.sum() for axis in np.indices(covered.shape)[::-1]]
    np.testing.assert_allclose(at, camera.project(middle[None])[0][0], atol=0.05)


def test_the_same_scene_gives_the_same_pixels() -> None:
    camera = Camera(64, 64, 50.0, look_at(np.array([1.0, -4.0, 1.0]), np.zeros(3)))
    meshes, target = [_box("a", (0, 0, 0), (1, 1, 1), 1)], np.zeros((1, 3))
    first, second = (observe(meshes, camera, LIGHT, target, samples=4).image_bgr for _ in range(2))
    assert np.array_equal(first, second)
    assert first.std() > 5


def test_nothing_of_an_image_is_left_in_the_next() -> None:
    """A scene renders the same after others with more meshes, another light and kept textures, and before them."""
    camera = Camera(64, 64, 50.0, look_at(np.array([1.0, -4.0, 1.0]), np.zeros(3)))
    target = np.zeros((1, 3))
    crowd = [_box(name, (x, 0, 0), (1, 1, 1), 1) for name, x in (("a", -1.5), ("b", 1.5), ("c", 0.0))]
    crowd = [replace(mesh, surfaces=(Surface(_ramp(), wrinkle_height(), 3, 2, bump_m=0.1),)) for mesh in crowd]
    first = observe([crowd[2]], camera, LIGHT, target, samples=2)
    others = observe(crowd, camera, Light("forest", 1.0, 2.0, 0.5), target, samples=2)
    again = observe([crowd[2]], camera, LIGHT, target, samples=2)
    assert not np.array_equal(first.image_bgr, others.image_bgr)
    assert np.array_equal(first.image_bgr, again.image_bgr)
    assert np.array_equal(first.instance, again.instance)
    assert first.hits.mesh.tolist() == again.hits.mesh.tolist() == [0]
    assert 0 < first.cycles_s < 600


def test_datablocks_do_not_pile_up() -> None:
    bpy = import_bpy()

    camera = Camera(32, 32, 50.0, look_at(np.array([1.0, -4.0, 1.0]), np.zeros(3)))
    mesh = replace(_box("a", (0, 0, 0), (1, 1, 1), 1), surfaces=(Surface(_ramp(), wrinkle_height(), bump_m=0.1),))
    counts = []
    for _ in range(4):
        observe([mesh], camera, LIGHT, np.zeros((1, 3)), samples=1)
        kinds = (bpy.data.objects, bpy.data.meshes, bpy.data.materials, bpy.data.images, bpy.data.worlds)
        counts.append([len(kind) for kind in (*kinds, bpy.data.cameras, bpy.data.node_groups)])
    assert counts[1] == counts[2] == counts[3]


def test_no_memory_is_kept_for_an_exposure() -> None:
    """Colour management would keep 3 MB for each."""
    camera = Camera(32, 32, 50.0, look_at(np.array([1.0, -4.0, 1.0]), np.zeros(3)))
    held = []
    for exposure_ev in np.linspace(0, 1, 24).tolist():
        observe([_box("a", (0, 0, 0), (1, 1, 1), 1)], camera, Light("studio", 0, 1, exposure_ev), _MIDDLE, samples=1)
        held.append(held_mb())
    assert held[-1] - held[7] < 16  # not 48


def _ramp() -> NDArray[np.float32]:
    return np.linspace(0, 1, 48, dtype=np.float32).reshape(4, 4, 3)


def test_blur_changes_the_picture_and_no_label() -> None:
    camera = Camera(64, 64, 50.0, look_at(np.array([0.5, -4.0, 1.0]), np.zeros(3)))
    meshes = [_box("a", (0, 0, 0), (1, 1, 1), 1), _box("b", (0, 3, 0), (4, 0.2, 3), 0)]
    target = np.array([[0.4, 0.0, 0.4]])
    sharp = observe(meshes, camera, LIGHT, target, samples=4)
    for lens in (Lens(f_stop=0.5, focus_m=1.0), Lens(shake_rad=(0.05, 0.0)), Lens(drift_m=((0.3, 0.0, 0.0),))):
        blurred = observe(meshes, camera, LIGHT, target, samples=4, lens=lens)
        assert np.abs(blurred.image_bgr.astype(int) - sharp.image_bgr).mean() > 1, lens
        assert np.mean(blurred.instance != sharp.instance) < 0.01, lens  # the sharp pass has other random sub-pixels
        np.testing.assert_allclose(blurred.hits.rest_m, sharp.hits.rest_m, atol=1e-9)
    again = observe(meshes, camera, LIGHT, target, samples=4)
    assert np.array_equal(again.image_bgr, sharp.image_bgr)


def test_a_backdrop_stands_behind_and_the_mask_stays() -> None:
    camera = Camera(64, 64, 50.0, look_at(np.array([0.5, -4.0, 1.0]), np.zeros(3)))
    floor = _box("floor", (0, 0, -0.6), (30, 30, 0.01), 0)
    meshes, target = [_box("a", (0, 0, 0), (1, 1, 1), 1), floor], np.zeros((1, 3))
    plain = observe(meshes, camera, LIGHT, target, samples=2)
    backdrop = np.zeros((64, 64, 3), np.uint8)
    backdrop[..., 1] = 255
    seen = observe(meshes, camera, LIGHT, target, samples=2, backdrop_bgr=backdrop)
    assert np.array_equal(seen.instance, plain.instance)
    np.testing.assert_allclose(seen.image_bgr[2, 2], (0, 255, 0), atol=2)  # but for the floor's faint shadow
    assert seen.image_bgr[seen.instance == 1][:, 1].max() < 250
    assert np.array_equal(observe(meshes, camera, LIGHT, target, samples=2).image_bgr, plain.image_bgr)


def test_lamps_shine_and_are_not_seen() -> None:
    camera = Camera(64, 64, 50.0, look_at(np.array([0.0, -4.0, 0.0]), np.zeros(3)))
    meshes, target = [_box("a", (0, 0, 0), (1, 1, 1), 1)], np.zeros((1, 3))
    dark = Light("studio", 0.0, 0.05, 0.0)
    lamp = Lamp("AREA", (0.0, -2.0, 0.0), (0.0, 0.0, 0.0), 100.0, 0.5, (1.0, 1.0, 1.0))
    lit = observe(meshes, camera, Light("studio", 0.0, 0.05, 0.0, (lamp,)), target, samples=2)
    unlit = observe(meshes, camera, dark, target, samples=2)
    person = unlit.instance == 1
    assert lit.image_bgr[person].mean() > unlit.image_bgr[person].mean() + 30
    assert np.array_equal(lit.instance, unlit.instance)
    assert lit.hits.mesh.tolist() == unlit.hits.mesh.tolist()


def test_first_hits_are_those_of_blenders_own_rays() -> None:
    bpy = import_bpy()
    import mathutils  # comes with bpy

    rng = np.random.default_rng(3)
    eye = np.zeros(3)
    camera = Camera(32, 32, 30.0, look_at(eye, np.array([0.0, 1.0, 0.0])))
    meshes = [soup(rng, "a", 30), soup(rng, "b", 10)]
    targets = rng.uniform(-4, 4, (200, 3))
    ours = first_hits(meshes, camera, targets)
    observe(meshes, camera, Light("studio", 0.0, 1.0, 0.0), targets, samples=1)
    graph, names = bpy.context.evaluated_depsgraph_get(), [mesh.name for mesh in meshes]
    for row, target in enumerate(targets):
        way = mathutils.Vector(target)
        hit, place, _, quad, made, _ = bpy.context.scene.ray_cast(
            graph, mathutils.Vector(eye), way.normalized(), distance=way.length
        )
        assert ours.mesh[row] == (names.index(made.name) if hit else -1)
        if hit:
            assert ours.quad[row] == quad
            np.testing.assert_allclose(ours.place_m[row], place, atol=1e-4)
    assert 20 < (ours.mesh >= 0).sum() < 180
