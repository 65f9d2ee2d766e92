"""Coordinates of foreign networks: one pose, or a list of detections, out of whatever tensors hold them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from dataengine.adopted.contract import AnswerForm

Tensors = Mapping[str, NDArray[Any]]


def pose_table(tensors: Tensors, answers: AnswerForm) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Numbers (b, k, 2) and scores (b, k), 1 where there are none, of networks that answer one pose."""
    table = np.asarray(tensors[answers.places], dtype=np.float64)
    table = table.reshape(len(table), answers.joints, answers.per_joint)
    if answers.other:
        scores = np.asarray(tensors[answers.other], dtype=np.float64).reshape(len(table), answers.joints)
    else:
        scores = table[..., 2] if answers.per_joint > 2 else np.ones(table.shape[:2])
    return table[..., :2], scores_of(scores, answers)


def detection_table(
    tensors: Tensors, answers: AnswerForm
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Numbers (b, d, k, 2), scores of joints (b, d, k) and of detections (b, d)."""
    rows = np.asarray(tensors[answers.places], dtype=np.float64)
    if rows.ndim == 4:
        rows = rows.reshape(*rows.shape[:2], -1)
    elif answers.layout == "channels first":
        rows = rows.transpose(0, 2, 1)
    width = answers.joints * answers.per_joint
    joints = rows[..., answers.first : answers.first + width]
    joints = joints.reshape(*rows.shape[:2], answers.joints, answers.per_joint)
    apart = rows if not answers.other else np.asarray(tensors[answers.other], dtype=np.float64)
    apart = apart.reshape(*rows.shape[:2], -1)
    score = apart.max(axis=-1) if answers.score < 0 else apart[..., answers.score]
    sure = joints[..., 2] if answers.per_joint > 2 else np.ones(joints.shape[:3])
    return joints[..., :2], scores_of(sure, answers), scores_of(score, answers)


def scores_of(values: NDArray[np.float64], answers: AnswerForm) -> NDArray[np.float64]:
    """Scores as 0..1."""
    finite = np.where(np.isfinite(values), values, 0.0)
    return np.asarray(np.clip(expit(finite) if answers.sigmoid else finite, 0.0, 1.0))
