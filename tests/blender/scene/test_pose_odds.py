"""The draw of poses and views: its probabilities, that it is a function of (params, seed, index), what it cannot do."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import chisquare

from dataengine.blender.poses.library import MOTION_FAMILY, read_pose_library
from dataengine.blender.scene.params import RenderParams
from dataengine.blender.scene.pose_odds import (
    LEAST_RARITY,
    VIEW_RAD,
    VIEWS,
    PoseOdds,
    ViewRarity,
    pose_prior,
    view_prior,
    view_turns,
)
from dataengine.blender.scene.spec import draw_scene
from dataengine.errors import InputError, ParamsError

LIBRARY = read_pose_library()


def rarity_of(table: np.ndarray) -> ViewRarity:
    return ViewRarity(tuple(map(tuple, table.tolist())))


@pytest.fixture
def table() -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 1, (len(LIBRARY), VIEWS))


def test_probability_is_the_prior_times_a_power_of_rarity(small_params: RenderParams, table: np.ndarray) -> None:
    params = replace(small_params, rarity_power=3.0)
    extreme = np.array([pose.extreme for pose in LIBRARY])
    prior = np.where(extreme, 0.5 / extreme.sum(), 0.5 / (~extreme).sum())  # extreme_share is 0.5
    assert pose_prior(params, LIBRARY) == pytest.approx(prior)
    expected = prior[:, None] * view_prior() * np.maximum(table, LEAST_RARITY) ** 3
    odds = PoseOdds(params, LIBRARY, rarity_of(table))
    assert odds.probability == pytest.approx(expected / expected.sum())
    flat = PoseOdds(replace(params, rarity_power=0.0), LIBRARY, rarity_of(table))
    assert flat.probability.sum(axis=1) == pytest.approx(prior), "power 0: rarity does not count"


def test_draws_follow_the_probabilities(small_params: RenderParams, table: np.ndarray) -> None:
    odds = PoseOdds(small_params, LIBRARY, rarity_of(table))
    rng = np.random.default_rng(1)
    drawn = [odds.draw(rng) for _ in range(20_000)]
    rows = np.bincount([row for row, _ in drawn], minlength=len(LIBRARY))
    assert chisquare(rows, 20_000 * odds.probability.sum(axis=1)).pvalue > 1e-4
    views = [round((turn + np.pi) / VIEW_RAD) % VIEWS for _, turn in drawn]
    assert chisquare(np.bincount(views, minlength=VIEWS), 20_000 * odds.probability.sum(axis=0)).pvalue > 1e-4


def test_a_pose_that_is_known_from_the_front_is_drawn_from_other_sides(small_params: RenderParams) -> None:
    table = np.ones((len(LIBRARY), VIEWS))
    front = np.abs(view_turns()) < np.pi / 2
    table[:, front] = 0.0
    odds = PoseOdds(small_params, LIBRARY, rarity_of(table))
    assert odds.probability[:, front].sum() < 0.01 and odds.probability.min() > 0, "hardly, yet not ruled out"


def test_novel_poses_count_nearly_alike_however_far_they_are(small_params: RenderParams) -> None:
    """What a broken pose would gain by lying beyond all others is bounded: rarity is a share."""
    table = np.full((len(LIBRARY), VIEWS), 0.99)
    table[0] = 1.0  # infinitely far
    odds = PoseOdds(small_params, LIBRARY, rarity_of(table))
    prior = pose_prior(small_params, LIBRARY)
    assert odds.probability.sum(axis=1) / prior == pytest.approx(1, abs=0.03)


def test_scenes_are_a_function_of_params_seed_and_index(small_params: RenderParams, table: np.ndarray) -> None:
    odds = PoseOdds(small_params, LIBRARY, rarity_of(table))
    forward = [draw_scene(small_params, LIBRARY, index, odds) for index in range(8)]
    again = PoseOdds(small_params, LIBRARY, rarity_of(table))
    assert forward == [draw_scene(small_params, LIBRARY, index, again) for index in reversed(range(8))][::-1]
    other = PoseOdds(small_params, LIBRARY, rarity_of(table[::-1]))
    assert forward != [draw_scene(small_params, LIBRARY, index, other) for index in range(8)]
    plain = [draw_scene(small_params, LIBRARY, index) for index in range(8)]
    assert [len(scene.people) for scene in forward] == [len(scene.people) for scene in plain]


def test_a_mirrored_pose_is_seen_from_the_mirrored_side(small_params: RenderParams) -> None:
    """One pose, rare from its left alone: half of the people are mirrored, and shown from their right."""
    library, table = LIBRARY[:1], np.zeros((1, VIEWS))
    table[0, 8] = 1.0  # turned by 60 degrees
    odds = PoseOdds(replace(small_params, rarity_power=10.0), library, rarity_of(table))
    sides: dict[bool, list[float]] = {True: [], False: []}
    for index in range(60):
        scene = draw_scene(small_params, library, index, odds)
        for person in scene.people:
            is_mirrored = person.spares[-1] != library[0]
            sides[is_mirrored].append(person.turn_rad - scene.camera.azimuth_rad)
    assert library[0].left_arm != library[0].right_arm
    assert min(map(len, sides.values())) > 20
    assert np.array(sides[False]) == pytest.approx(np.pi / 3, abs=VIEW_RAD / 2 + 1e-9)
    assert np.array(sides[True]) == pytest.approx(-np.pi / 3, abs=VIEW_RAD / 2 + 1e-9)


def test_recordings_get_their_share(small_params: RenderParams) -> None:
    poses = [*LIBRARY, *(replace(LIBRARY[0], name=f"m{n}", family=MOTION_FAMILY) for n in range(10))]
    params = replace(small_params, motions=["walk.bvh"], motion_share=0.3)
    prior = pose_prior(params, poses)
    assert prior[-10:].sum() == pytest.approx(0.3) and prior.sum() == pytest.approx(1)
    only_extreme = replace(small_params, extreme_share=1.0)
    ordinary = [pose for pose in LIBRARY if not pose.extreme]
    assert pose_prior(only_extreme, ordinary) == pytest.approx(1 / len(ordinary)), "no such pose: all others alike"


def test_a_table_of_other_poses_is_refused(small_params: RenderParams, table: np.ndarray) -> None:
    with pytest.raises(InputError, match="not that of these poses"):
        PoseOdds(small_params, LIBRARY[1:], rarity_of(table))


@pytest.mark.parametrize("power", [-0.1, 11, float("nan")])
def test_power_out_of_range(small_params: RenderParams, power: float) -> None:
    with pytest.raises(ParamsError, match="rarity_power"):
        replace(small_params, rarity_power=power)
