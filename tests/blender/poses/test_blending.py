"""Blending against scipy's own interpolation of rotations."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation, Slerp

from dataengine.blender.poses.blending import against_parent, blend, eased

PARENTS = (-1, 0, 1, 1, 0)


def orientations(seed: int) -> NDArray[np.float64]:
    return np.asarray(Rotation.random(len(PARENTS), random_state=seed).as_matrix())


@given(st.integers(0, 10_000), st.floats(0, 1))
@settings(max_examples=50, deadline=None)
def test_every_bone_turns_against_its_parent_as_scipy_turns_it(seed: int, share: float) -> None:
    first, second = orientations(seed), orientations(seed + 1)
    local = against_parent(blend(first, second, PARENTS, share), PARENTS)
    for bone in range(len(PARENTS)):
        ends = Rotation.from_matrix(np.stack([against_parent(pose, PARENTS)[bone] for pose in (first, second)]))
        np.testing.assert_allclose(local[bone], Slerp([0, 1], ends)(share).as_matrix(), atol=1e-9)


@pytest.mark.parametrize(("share", "which"), [(0.0, 0), (1.0, 1)])
def test_the_ends_are_the_poses(share: float, which: int) -> None:
    poses = orientations(3), orientations(4)
    np.testing.assert_allclose(blend(*poses, PARENTS, share), poses[which], atol=1e-9)


def test_a_gentle_way_keeps_its_ends_and_its_middle() -> None:
    assert [eased(share) for share in (0.0, 0.5, 1.0)] == [0.0, 0.5, 1.0]
    assert eased(0.05) < 0.02 and eased(0.95) > 0.98
