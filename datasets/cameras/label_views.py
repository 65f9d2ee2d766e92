"""Labelled people from synchronised calibrated cameras: detect in each view, triangulate, project back.

Order: `detect_views` (BlazePose along each video), `label_views` (robust 3D joints become labels of every view).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataengine.blazepose import BlazePose
from dataengine.geometry.cameras import project
from dataengine.keypoints import COCO_KEYPOINTS, OCCLUDED, UNLABELLED, VISIBLE
from dataengine.multiview.qualisys import CalibratedCamera
from dataengine.multiview.triangulation import (
    Agreement,
    Triangulation,
    align_principal_points,
    reprojection_error_px,
    triangulate_plain,
    triangulate_robust,
)
from dataengine.people import JOINTS
from dataengine.terminal.progress import track
from dataengine.video import iter_frames

from ..sources.frames import FrameWriter


@dataclass(frozen=True)
class MultiviewParams(Agreement):
    """Section `ingest.multiview`."""

    visible_confidence: float
    """An agreeing view at least this confident sees the joint; other labelled joints count as occluded."""
    alignment_rounds: int
    """Rounds in which a constant shift between calibration and video is estimated; 0 trusts the calibration."""


@dataclass(frozen=True, eq=False)
class ViewDetections:
    """BlazePose along synchronised videos: v views, f frames."""

    keypoints_px: NDArray[np.float64]
    """(v, f, 17, 2) in original pixels; zeros where nobody was found."""
    confidence: NDArray[np.float64]
    """(v, f, 17) 0..1; 0 where nobody was found."""


@dataclass(frozen=True, eq=False)
class ViewLabels:
    """Labels of every view, and how well they fit."""

    keypoints_px: NDArray[np.float64]
    """(v, f, 17, 2) original pixels."""
    visibility: NDArray[np.uint8]
    """(v, f, 17) COCO 0/1/2, before joints outside the picture are taken out."""
    points_m: NDArray[np.float64]
    """(f, 17, 3) world."""
    quality: dict[str, object]
    """Reprojection errors for the report."""
    error_px: NDArray[np.float64]
    """(v, f, 17) of the labelled joints; NaN where dropped."""


def detect_views(videos: Sequence[Path], models: Path, writers: Sequence[FrameWriter]) -> ViewDetections:
    """Run BlazePose along each video, following the person, and hand every undamaged frame to the view's writer."""
    keypoints, confidence = [], []
    blazepose = BlazePose(models)
    for video, writer in zip(videos, writers, strict=True):
        roi, points, sure = None, [], []
        for frame in track(iter_frames(video), f"ingest {video.name}", unit="frame"):
            if frame.damaged:
                continue
            pose = blazepose(frame.image_bgr, roi)
            roi = pose.next_roi if pose else None
            points.append(pose.keypoints_px if pose else np.zeros((JOINTS, 2)))
            sure.append(pose.confidence if pose else np.zeros(JOINTS))
            writer.write(frame)
        keypoints.append(points)
        confidence.append(sure)
    rows = rows_of_common_frames(writers)
    return ViewDetections(
        np.array([np.array(view)[at] for view, at in zip(keypoints, rows, strict=True)], dtype=np.float64),
        np.array([np.array(view)[at] for view, at in zip(confidence, rows, strict=True)], dtype=np.float64),
    )


def rows_of_common_frames(writers: Sequence[FrameWriter]) -> list[NDArray[np.int64]]:
    """For each view the rows of the frames that every view has: one may stop earlier, or have lost frames to damage."""
    frames = [writer.images().frame for writer in writers]
    common = reduce(np.intersect1d, frames)
    return [np.flatnonzero(np.isin(view, common)) for view in frames]


def label_views(detections: ViewDetections, cameras: Sequence[CalibratedCamera], params: MultiviewParams) -> ViewLabels:
    """Triangulate every joint of every frame and project it into every view."""
    views, frames = detections.confidence.shape[:2]
    uv = detections.keypoints_px.reshape(views, -1, 2)
    confidence = detections.confidence.reshape(views, -1)
    aligned = align_principal_points(uv, confidence, cameras, params, params.alignment_rounds)
    triangulation = triangulate_robust(uv, confidence, aligned, params)
    projected = np.stack([project(triangulation.points_m, c.K, c.cam_from_world, c.distortion)[0] for c in aligned])
    seen = triangulation.inlier & (confidence >= params.visible_confidence)
    visibility = np.where(triangulation.found, np.where(seen, VISIBLE, OCCLUDED), UNLABELLED).astype(np.uint8)
    plain = reprojection_error_px(triangulate_plain(uv, np.ones_like(confidence), cameras), uv, cameras)[0]
    unaligned = triangulate_robust(uv, confidence, cameras, params)
    errors = {
        "": triangulation.error_px[:, triangulation.found],
        "unaligned_": unaligned.error_px[:, unaligned.found],
        "plain_dlt_": plain,
        "left_out_view_": left_out_errors_px(uv, confidence, aligned, params),
    }
    shape = (views, frames, JOINTS)
    return ViewLabels(
        keypoints_px=projected.reshape(*shape, 2),
        visibility=visibility.reshape(shape),
        points_m=triangulation.points_m.reshape(frames, JOINTS, 3),
        quality=_quality(triangulation, errors, shape, cameras, aligned),
        error_px=np.where(triangulation.found, triangulation.error_px, np.nan).reshape(shape),
    )


def left_out_errors_px(
    uv_px: NDArray[np.float64],
    confidence: NDArray[np.float64],
    cameras: Sequence[CalibratedCamera],
    agreement: Agreement,
) -> NDArray[np.float64]:
    """Distance of each view's detection from where all the other views, agreeing, say the joint is.

    The fairest of the errors: nothing is judged by a detection that it was made from. It still holds the error of the
    detection itself.
    """
    errors = []
    for view, camera in enumerate(cameras):
        others = [other for other in range(len(cameras)) if other != view]
        if len(others) < 2:
            continue
        triangulation = triangulate_robust(
            uv_px[others],
            confidence[others],
            [cameras[other] for other in others],
            replace(agreement, min_views=len(others)),
        )
        points = triangulation.points_m[triangulation.found]
        errors.append(reprojection_error_px(points, uv_px[[view]][:, triangulation.found], [camera])[0].ravel())
    return np.concatenate(errors) if errors else np.full(1, np.inf)


def _quality(
    triangulation: Triangulation,
    errors: Mapping[str, NDArray[np.float64]],
    shape: tuple[int, ...],
    cameras: Sequence[CalibratedCamera],
    aligned: Sequence[CalibratedCamera],
) -> dict[str, object]:
    """Numbers for metrics.json. All views of the kept joints count, also those that disagree."""
    per_joint = np.where(triangulation.found, triangulation.error_px, np.nan).reshape(shape)
    spread = {
        f"{name}{level}_px": _rounded(np.percentile(error, percent))
        for name, error in errors.items()
        for level, percent in (("median", 50), ("p90", 90))
        if np.isfinite(error).all()
    }
    return {
        **spread,
        "kept_share": round(float(triangulation.found.mean()), 4),
        "views_agreeing": round(float(triangulation.inlier[:, triangulation.found].sum(axis=0).mean()), 3),
        "per_joint_median_px": {
            name: _rounded(np.nanmedian(per_joint[..., joint])) for joint, name in enumerate(COCO_KEYPOINTS)
        },
        "alignment_px": {
            new.name: [_rounded(value) for value in new.K[:2, 2] - old.K[:2, 2]]
            for old, new in zip(cameras, aligned, strict=True)
        },
    }


def _rounded(value: np.floating) -> float:
    return round(float(value), 2)
