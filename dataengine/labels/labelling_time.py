"""How long people take for a joint, from the times that annotation tools record and label files keep."""

from collections.abc import Iterable

import numpy as np

from dataengine.keypoints import UNLABELLED
from dataengine.labels.label_file import LabelFile

LEAD_TIME = "lead_time_s"
"""Column of `People`: seconds that the annotator took for the picture, the same for all people of one answer."""
LEAST_TIMED_JOINTS = 200
"""Joints of recorded time below which nothing is learnt: a dozen people."""
LONGEST_S_A_JOINT = 60.0
"""Answers that took longer than this for each joint were left open over a break, and do not count."""


def measured_seconds_per_joint(store: Iterable[LabelFile]) -> float | None:
    """Seconds over labelled joints of all answers with a recorded time; None where those have too few joints."""
    seconds, joints = 0.0, 0
    for file in store:
        people = file.people
        took = people.extras.get(LEAD_TIME)
        if took is None:
            continue
        answers: dict[tuple[str, str], list[int]] = {}
        for row in range(len(people)):
            if isinstance(took[row], int | float | np.number) and took[row] > 0:
                key = str(people.extras["sha256"][row]), str(people.extras["annotator"][row])
                answers.setdefault(key, []).append(row)
        for rows in answers.values():
            own, count = float(took[rows[0]]), int((people.visibility[rows] > UNLABELLED).sum())
            if count and own <= LONGEST_S_A_JOINT * count:
                seconds, joints = seconds + own, joints + count
    return seconds / joints if joints >= LEAST_TIMED_JOINTS else None
