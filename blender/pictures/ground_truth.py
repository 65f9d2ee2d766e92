"""Ground truth of an observed image: visible joints, masks and boxes, one record per person.

A joint lies inside the body, so a ray to it always hits the person first. The joint is visible if that first hit is in
its own neighbourhood: near it on the RESTING body. A ray to a wrist behind a thigh hits the thigh, far from the wrist
at rest; in the image both may lie at the same depth, which is why depth does not decide. The reach of a neighbourhood
is given per joint: for limbs as a multiple of the joint's depth under the skin of this body, so that it grows with
stature and girth, for the face in metres.

Distances of hits fall into two clusters, the skin around the joint and other parts of the body. The reaches lie between
them, where the labels agree best with the depth pass: for 98.3 % of the joints on 340 images of another seed (`seed`
1007). `dataengine check-renders` measures the same on images that were not used to choose them.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask
from scipy.spatial.distance import cdist

from dataengine.keypoints import OCCLUDED, UNLABELLED, VISIBLE
from dataengine.people import JOINTS

from ..cycles.observe import Hits, Observation
from ..scene.camera import Camera
from ..scene.layout import Geometry, Standing

# Nose; eyes: their distance from each other; ears: less than to the other side of the head.
_FACE_REACH_M = np.array([0.05, 0.06, 0.06, 0.06, 0.06])
# Shoulders, elbows, wrists, hips, knees, ankles, left and right. Hips lie deep, and the other side is near.
_LIMB_REACH_DEPTHS = np.repeat([4.3, 4.5, 4.2, 2.2, 3.4, 4.3], 2)
MINIMUM_AREA_PX = 20  # people with less visible area are not annotated


def annotate(geometry: Geometry, observation: Observation) -> list[dict[str, Any]]:
    """Records, ready for JSON, of the people who are seen, in order."""
    records = []
    for row, person in enumerate(geometry.people):
        seen = observation.instance == person.mesh.instance
        if seen.sum() < MINIMUM_AREA_PX:
            continue
        joints = slice(JOINTS * row, JOINTS * (row + 1))
        hits = Hits(observation.hits.mesh[joints], observation.hits.rest_m[joints])
        records.append(_record(person, row, seen, hits, geometry.camera))
    return records


def joint_visibility(person: Standing, mesh_index: int, hits: Hits, in_frame: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """COCO flags (17,): 0 outside the frame, 1 occluded by a person, a thing or the own body, 2 visible.

    `mesh_index` is that of the person's mesh; `hits` and `in_frame` (17,) are those of the person's joints.
    """
    near_joint = np.linalg.norm(hits.rest_m - person.rest_joints_m, axis=1) < reach_m(person)  # False for NaN
    free = (hits.mesh < 0) | ((hits.mesh == mesh_index) & near_joint)
    return np.where(in_frame, np.where(free, VISIBLE, OCCLUDED), UNLABELLED).astype(np.uint8)


def reach_m(person: Standing) -> NDArray[np.float64]:
    """How far from each joint (17,) the skin still belongs to it, metres."""
    assert person.mesh.rest_m is not None
    limbs = person.rest_joints_m[len(_FACE_REACH_M) :]
    return np.concatenate([_FACE_REACH_M, _LIMB_REACH_DEPTHS * cdist(limbs, person.mesh.rest_m).min(axis=1)])


def _record(person: Standing, mesh_index: int, seen: NDArray[np.bool_], hits: Hits, camera: Camera) -> dict[str, Any]:
    pixels, depth = camera.project(person.joints_m)
    visibility = joint_visibility(person, mesh_index, hits, camera.in_frame(pixels, depth))
    encoded = coco_mask.encode(np.asfortranarray(seen.astype(np.uint8)))
    rotation, translation = camera.cam_from_world[:3, :3], camera.cam_from_world[:3, 3]
    return {
        "instance": person.mesh.instance,
        "bbox_xywh_px": coco_mask.toBbox(encoded).tolist(),
        "keypoints_px": np.where(visibility[:, None] > UNLABELLED, pixels, 0.0).round(3).tolist(),
        "visibility": visibility.tolist(),
        "area": int(coco_mask.area(encoded)),
        "iscrowd": 0,
        "segmentation": {"size": encoded["size"], "counts": encoded["counts"].decode("ascii")},
        "keypoints_cam_m": (person.joints_m @ rotation.T + translation).round(5).tolist(),
        "K": camera.intrinsics.round(6).tolist(),
        "cam_from_world": camera.cam_from_world.round(8).tolist(),
        "pose_name": person.spec.pose.name,
        "phenotype": {name: round(value, 4) for name, value in person.spec.phenotype},
    }
