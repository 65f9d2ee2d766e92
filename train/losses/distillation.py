"""Losses between a teacher's answer and a student's: on their distributions, on their heatmaps, and on their features.

All are means over the joints that count, each as much as any other: how far a label is trusted says nothing about the
teacher. Without any joint the loss is 0. The teacher's tensors should carry no gradient.
"""

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, cosine_similarity


def soft_target_loss(student: Tensor, teacher: Tensor, joint_weight: Tensor, temperature: float) -> Tensor:
    """Mean over counted joints of T^2 KL(teacher || student), nats, of the distributions softmax(logits / T).

    Logits are (b, 17, bins); joint_weight is (b, 17), 0 = does not count. T^2 keeps the gradient's size as T changes
    (Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network", 2015, section 2).
    """
    teacher_log, student_log = (torch.log_softmax(logits / temperature, dim=-1) for logits in (teacher, student))
    divergence = temperature**2 * (teacher_log.exp() * (teacher_log - student_log)).sum(dim=-1)
    counts = joint_weight > 0
    return (divergence * counts).sum() / counts.sum().clamp(min=1)


def soft_map_loss(student: Tensor, teacher: Tensor, joint_weight: Tensor, bump_cells: float) -> Tensor:
    """Mean over counted joints of the squared difference of two heatmaps, summed over the cells of a label's bump.

    Heatmaps are (b, 17, h, w), joint_weight is (b, 17), 0 = does not count. A heatmap is fitted to the label's level
    cell by cell, and so it is to the teacher's (Zhang, Zhu and Ye, "Fast Human Pose Estimation", CVPR 2019, equation
    3), on the scale of `heatmap_loss`: a divergence of softmax(maps) would be blind to the level, and outweigh it.
    """
    squared = ((student - teacher) ** 2).sum(dim=(-2, -1)) / bump_cells
    counts = joint_weight > 0
    return (squared * counts).sum() / counts.sum().clamp(min=1)


def feature_loss(student: Tensor, teacher: Tensor, joint_weight: Tensor) -> Tensor:
    """1 - cosine of the angle between features, averaged over cells, and over people by their counted joints.

    student (b, c, h, w); teacher (b, c, H, W) is averaged over the student's cells. An angle, because networks differ
    in the scale of their features; features are hints in the sense of Romero et al. (FitNets, ICLR 2015).
    """
    pooled = adaptive_avg_pool2d(teacher, student.shape[-2:])
    distance = (1 - cosine_similarity(student, pooled, dim=1)).mean(dim=(1, 2))
    counted = (joint_weight > 0).sum(dim=1)
    return (distance * counted).sum() / counted.sum().clamp(min=1)
