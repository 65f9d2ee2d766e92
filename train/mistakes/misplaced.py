"""Joints that lie elsewhere: one moved, one on a neighbour, or all of them on another person.

Evidence against a joint's place: what each witness says of it, how much rarer the pose is with it, and how far it
stretches a bone; and what each witness says of the person's other joints, alone and times what it says of this one, for
who contradicts them all has not seen the person (without that the AUROC of moved joints on LSPET is 0.91, not 0.94).
Against a whole pose: the mean over its joints of what each witness says. What is learnt from made-up mistakes says that
a joint lies elsewhere; whether it lies on a neighbour is then a matter of where: near the same joint of somebody else
in the picture, or anywhere within a limb's length.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataengine.crops.pixels import people_by_picture
from dataengine.keypoints import COCO_SIGMAS, FLIP_INDEX, UNLABELLED
from dataengine.people import JOINTS, People
from dataengine.person_scale import person_area

from .geometry import PoseRarity, joint_rarity, joint_stretch
from .hypotheses import MOVED, OWN, STRAY, Floats, Questions, limb_px
from .odds import wrong_log_odds
from .witness import Witness

GEOMETRY = ("rare pose", "long limb")
OTHERS = "other joints by"
LEAST_JOINTS = 4  # of a pose that is asked whether it is somebody else's


@dataclass(frozen=True, eq=False)
class MisplacedOdds:
    """Joints and poses of n people."""

    joint: Floats  # (n, 17) log odds, elsewhere over as labelled; minus infinity for unlabelled joints
    evidence: Floats  # (n, 17, k) what speaks for each place: the higher, the better
    names: tuple[str, ...]
    pose: Floats  # (n,) log odds, all joints are another person's over as labelled

    @property
    def of_place(self) -> dict[str, Floats]:
        """Evidence (n, 17) for the places themselves by name, without what is said of a person's other joints."""
        columns = enumerate(self.names)
        return {name: self.evidence[..., i] for i, name in columns if not name.startswith(OTHERS)}


def misplaced_odds(
    people: People, asked: Questions, witnesses: Sequence[Witness], rarity: PoseRarity, fold: NDArray[np.int64]
) -> MisplacedOdds:
    """Log odds of every labelled joint and every person."""
    right, wrong = (_joint_evidence(people, asked, witnesses, rarity, place) for place in (OWN, MOVED))
    width = right.shape[2]
    joint = wrong_log_odds(
        right.reshape(-1, width), wrong.reshape(-1, width), asked.labelled.ravel(), np.repeat(fold, JOINTS)
    ).reshape(-1, JOINTS)
    by = [w.name for w in witnesses]
    names = (*by, *(f"{OTHERS} {name}" for name in by), *(f"{OTHERS} {name}, times its own" for name in by), *GEOMETRY)
    pose = np.full(len(people), -np.inf)
    if witnesses:
        enough = asked.labelled.sum(axis=1) >= LEAST_JOINTS
        own, stray = (_pose_evidence(asked, witnesses, place) for place in (OWN, STRAY))
        pose = wrong_log_odds(own, stray, enough, fold)
    return MisplacedOdds(joint, right, names, pose)


def on_neighbour(people: People) -> Floats:
    """(n, 17) log of how much likelier a place is if it is a neighbour's, given that it is not this person's joint.

    The neighbour's: a Gaussian of OKS's width (k s, with k twice sigma) about the same joint, of either side, of each
    other person in the picture. Elsewhere: anywhere within a limb's length. Minus infinity where nobody else stands.
    """
    ratio = np.full((len(people), JOINTS), -np.inf)
    spread = (2 * COCO_SIGMAS) ** 2 * person_area(people)[:, None]
    free = np.log(np.pi * limb_px(people) ** 2)
    for _, rows in people_by_picture(people.image_id):
        for person in rows if len(rows) > 1 else ():
            others = rows[rows != person]
            known = people.visibility[others] > UNLABELLED
            points = people.keypoints_px[others].astype(np.float64)
            for order in (np.arange(JOINTS), FLIP_INDEX):
                squared = ((people.keypoints_px[person] - points[:, order]) ** 2).sum(axis=2)
                bump = -squared / (2 * spread[others][:, order]) - np.log(2 * np.pi * spread[others][:, order])
                near = np.where(known[:, order], bump, -np.inf).max(axis=0)
                ratio[person] = np.maximum(ratio[person], near + free[person] - np.log(2 * len(others)))
    return ratio


def _joint_evidence(
    people: People, asked: Questions, witnesses: Sequence[Witness], rarity: PoseRarity, place: int
) -> Floats:
    places = asked.places[:, :, place]
    seen = [w.log_density[:, :, place] for w in witnesses]
    context = [_of_others(w.log_density[..., OWN], asked.labelled) for w in witnesses]
    trusted = [own * others for own, others in zip(seen, context, strict=True)]
    geometry = [-joint_rarity(people, places, rarity), -joint_stretch(people, places)]
    return np.stack([*seen, *context, *trusted, *geometry], axis=2)


def _of_others(density: Floats, labelled: NDArray[np.bool_]) -> Floats:
    """(n, 17) the mean over a person's other labelled joints; 0 where there are none."""
    known = np.where(labelled, density, 0.0)
    others = labelled.sum(axis=1, keepdims=True) - labelled
    return np.asarray((known.sum(axis=1, keepdims=True) - known) / np.maximum(others, 1))


def _pose_evidence(asked: Questions, witnesses: Sequence[Witness], place: int) -> Floats:
    count = np.maximum(asked.labelled.sum(axis=1), 1)
    means = [(w.log_density[..., place] * asked.labelled).sum(axis=1) / count for w in witnesses]
    return np.stack(means, axis=1)
