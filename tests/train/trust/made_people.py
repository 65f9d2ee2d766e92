"""People whose teachers' mistakes are made: how likely each joint is wrong follows from the confidence stated."""

import numpy as np
from scipy.special import expit, logit

from dataengine.people import JOINTS, Images, People
from dataengine.train.pseudo.filters import FilterParams, Opinion
from dataengine.train.pseudo.trust_params import TrustParams
from dataengine.train.trust.known_people import KnownPeople, known_people

FILTERS = FilterParams(
    vouching="either-unless-disputed",
    blazepose_confidence=0.5,
    fitted_confidence=0.6,
    flip_tolerance=0.1,
    agreement_tolerance=0.12,
    temporal_tolerance=0.08,
    min_joints=8,
    lone_teacher_trust=0.5,
)
ASKED = TrustParams(target_precision=0.9, target_confidence=0.8, right_from=0.5)
SIDE_PX = 200.0


def made(groups: int, *, seed: int, per_group: int = 1, teachers: int = 1) -> tuple[KnownPeople, np.ndarray]:
    """People of `groups`, and the true probability (n, 17) that each joint of the first teacher is right.

    A teacher states 0.3 more log odds than it should. A wrong joint lies a third of the box away.
    """
    rng = np.random.default_rng(seed)
    n = groups * per_group
    truth = np.tile(100 + 5.0 * np.arange(JOINTS)[None, :, None], (n, 1, 2))
    images = Images.build(
        id=np.arange(n), path=[f"{i:05d}.png" for i in range(n)], width=400, height=400,
        group=[f"scene{i // per_group}" for i in range(n)],
    )  # fmt: skip
    labelled = People.build(
        image_id=np.arange(n), bbox_xywh_px=np.tile([50, 50, SIDE_PX, SIDE_PX], (n, 1)), keypoints_px=truth,
        visibility=np.full((n, JOINTS), 2),
    )  # fmt: skip
    hard = np.repeat(rng.normal(size=groups), per_group)[:, None]
    opinions, chances = [], []
    for _ in range(teachers):
        odds = 1.5 + hard + rng.normal(size=(n, JOINTS))
        wrong = rng.random((n, JOINTS)) > expit(odds)
        shift = np.where(wrong, SIDE_PX / 3, 0.0)[..., None] * np.array([1.0, 0.0])
        flip = np.where(wrong, rng.uniform(0, 40, (n, JOINTS)), rng.uniform(0, 20, (n, JOINTS)))
        opinions.append(Opinion(truth + shift + rng.normal(size=truth.shape), expit(odds + 0.3), flip))
        chances.append(expit(odds))
    return known_people(labelled, images, labelled, opinions), chances[0]


def logits(values: np.ndarray) -> np.ndarray:
    return logit(np.clip(values, 1e-6, 1 - 1e-6))
