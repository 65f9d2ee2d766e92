"""Things that stand in the way: whole, on the floor, and of the size that was asked for."""

import numpy as np
import pytest

from dataengine.blender.geometry.mesh import vertex_normals
from dataengine.blender.scene.props import PROP_SIZES_M, build_prop


@pytest.mark.parametrize("kind", PROP_SIZES_M)
def test_a_prop_is_whole_and_of_its_size(kind: str) -> None:
    for size in PROP_SIZES_M[kind]:
        vertices, quads, material = build_prop(kind, size)
        assert len(material) == len(quads)
        assert set(np.unique(quads)) == set(range(len(vertices)))
        assert set(np.unique(material)) <= {0, 1, 2}
        assert vertices[:, 2].min() == pytest.approx(0, abs=0.05)
        assert vertices[:, 2].max() == pytest.approx(size[2], abs=0.06)
        assert np.ptp(vertices[:, 0]) <= size[0] * 1.15 + 0.1
        corners = vertices[quads]
        area = np.linalg.norm(np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1]), axis=1)
        assert (area > 1e-6).all()


def test_posts_face_outwards() -> None:
    vertices, quads, _ = build_prop("bin", PROP_SIZES_M["bin"][0])
    ring = vertices[8:]
    normals = vertex_normals(vertices, quads)[8:]
    assert ((ring * [1, 1, 0] * normals).sum(axis=1) > 0).all()
