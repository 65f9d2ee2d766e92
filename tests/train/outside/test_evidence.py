"""Which option is taken: the commonest of those that people cannot distinguish, and joints in the order that fits."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dataengine.evaluation.ap.oks import person_oks
from dataengine.keypoints import COCO_KEYPOINTS, FLIP_INDEX
from dataengine.people import Images, People
from dataengine.train.outside.evidence import OptionResult, choose, measure, pieces_of
from dataengine.train.outside.orders import public_orders


def people_of(n: int, seed: int = 0) -> People:
    rng = np.random.default_rng(seed)
    return People.build(
        image_id=np.arange(n),
        bbox_xywh_px=np.tile([0.0, 0.0, 100.0, 200.0], (n, 1)),
        keypoints_px=rng.uniform(0, 200, (n, 17, 2)),
        visibility=rng.integers(0, 3, (n, 17)),
    )


@given(st.permutations(range(20)))
def test_the_best_order_undoes_any(shuffle: list[int]) -> None:
    people = people_of(8)
    answered = np.concatenate([people.keypoints_px, np.full((8, 3, 2), 999.0)], axis=1)[:, shuffle]
    measured = measure(people, answered)
    order = measured.best_order()
    seen = (people.visibility > 0).any(axis=0)
    assert [order[joint] for joint in np.flatnonzero(seen)] == [shuffle.index(int(j)) for j in np.flatnonzero(seen)]
    np.testing.assert_allclose(measured.best_oks(), (people.visibility > 0).any(axis=1))


def test_oks_is_that_of_the_evaluation() -> None:
    people = people_of(6)
    found = people.keypoints_px + np.random.default_rng(1).normal(0, 5, (6, 17, 2))
    np.testing.assert_allclose(measure(people, found).oks(np.arange(17)), person_oks(people, found), rtol=1e-9)


def test_a_commoner_option_is_taken_unless_it_is_clearly_or_much_worse() -> None:
    rng, pieces = np.random.default_rng(0), np.arange(50)
    common = OptionResult("common", rng.uniform(0.6, 0.8, 50))

    def against(gain: float, noise: float) -> tuple[str, bool]:
        rare = OptionResult("rare", common.oks + gain + noise * rng.standard_normal(50))
        taken, choice = choose("frame", [common, rare], pieces)
        return taken.name, choice.is_tie

    assert against(0.005, 0.05) == ("common", True)
    assert against(0.005, 0.001) == ("rare", False)
    assert against(0.1, 0.5)[0] == "rare"


def test_frames_of_a_video_are_one_piece_of_evidence() -> None:
    people = people_of(12)
    images = Images.build(id=np.arange(12), path=[""] * 12, width=9, height=9, video=[f"v{i % 4}" for i in range(12)])
    assert len(np.unique(pieces_of(people, images))) == 4
    assert len(np.unique(pieces_of(people, images.replace(video="one")))) == 12


def test_public_orders_name_each_joint_once_and_their_mirror_exchanges_sides() -> None:
    for joints in (14, 16, 17, 18, 25, 26, 33, 133):
        orders = dict(public_orders(joints))
        for name, order in orders.items():
            known = order[order >= 0]
            assert len(set(known.tolist())) == len(known) and known.max() < joints
            if ", sides" not in name:
                np.testing.assert_array_equal(orders[f"{name}, sides exchanged"], order[FLIP_INDEX])
    openpose = dict(public_orders(18))["OpenPose 18"]
    assert openpose[COCO_KEYPOINTS.index("right_wrist")] == 4 and openpose[COCO_KEYPOINTS.index("left_ear")] == 17
    blazepose = dict(public_orders(33))["BlazePose"]
    assert blazepose[COCO_KEYPOINTS.index("left_hip")] == 23 and blazepose[COCO_KEYPOINTS.index("right_ankle")] == 28
