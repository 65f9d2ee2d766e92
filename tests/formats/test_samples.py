"""Adapters on real files of each data set, against pycocotools or plain json reading the same files.

The tables of joints below are written a second time, by hand, from each data set's own documentation: COCO-17 index ->
index in the source.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
from pycocotools.coco import COCO

from dataengine.format_table import FORMATS
from dataengine.formats.reading.content import Limits, SourceContent

pytestmark = pytest.mark.realdata

SAME = {joint: joint for joint in range(17)}
CROWDPOSE = {5 + joint: joint for joint in range(12)}
AIC = {6: 0, 8: 1, 10: 2, 5: 3, 7: 4, 9: 5, 12: 6, 14: 7, 16: 8, 11: 9, 13: 10, 15: 11}
POSETRACK = {0: 0, 3: 3, 4: 4} | {joint: joint for joint in range(5, 17)}
LSPET = {16: 0, 14: 1, 12: 2, 11: 3, 13: 4, 15: 5, 10: 6, 8: 7, 6: 8, 5: 9, 7: 10, 9: 11}
MPII = {16: 0, 14: 1, 12: 2, 11: 3, 13: 4, 15: 5, 10: 10, 8: 11, 6: 12, 5: 13, 7: 14, 9: 15}


def read(shared_data: Path, name: str, annotations: str, images: str) -> SourceContent:
    folder = shared_data / "pose_samples"
    return FORMATS[name].read(folder / annotations, folder / images, Limits())


@pytest.mark.parametrize(
    ("name", "annotations", "images", "joints", "flags"),
    [
        ("coco", "coco/test_coco.json", "coco", SAME, {0: 0, 1: 1, 2: 2}),
        ("wholebody", "coco/test_coco_wholebody.json", "coco", SAME, {0: 0, 1: 1, 2: 2}),
        ("ochuman", "ochuman/test_ochuman.json", "ochuman", SAME, {0: 0, 1: 1, 2: 2}),
        ("crowdpose", "crowdpose/test_crowdpose.json", "crowdpose", CROWDPOSE, {0: 0, 1: 1, 2: 2}),
        ("aic", "aic/test_aic.json", "aic", AIC, {0: 0, 1: 1, 2: 2}),
        ("posetrack18", "posetrack18/annotations/test_posetrack18_val.json", "posetrack18", POSETRACK, {0: 0, 1: 2}),
    ],
)
def test_people_are_those_that_pycocotools_reads(
    shared_data: Path, name: str, annotations: str, images: str, joints: dict[int, int], flags: dict[int, int]
) -> None:
    content = read(shared_data, name, annotations, images)
    truth = COCO(str(shared_data / "pose_samples" / annotations))
    assert content.records == len(truth.anns) + len(truth.imgs)
    assert not content.bad
    assert len(content.images) == len(truth.imgs)
    assert len(content.people) + content.without_labels == len(truth.anns)
    rows = content.images.rows_of(content.people.image_id)
    for row, identity in enumerate(content.people.extras["source_id"].tolist()):
        record = truth.anns[identity]
        assert content.images.path[rows[row]].endswith(truth.imgs[record["image_id"]]["file_name"])
        np.testing.assert_allclose(content.people.bbox_xywh_px[row], record["bbox"], rtol=1e-6)
        check_joints(content, row, np.array(record["keypoints"], dtype=float).reshape(-1, 3), joints, flags)


def check_joints(
    content: SourceContent, row: int, triples: np.ndarray, joints: dict[int, int], flags: dict[int, int]
) -> None:
    """Person `row` has exactly the labels of the source's `triples`."""
    for joint in range(17):
        x, y, flag = triples[joints[joint]] if joint in joints else (0, 0, 0)
        assert content.people.visibility[row, joint] == flags[int(flag)], (row, joint)
        if flags[int(flag)]:
            np.testing.assert_allclose(content.people.keypoints_px[row, joint], [x, y], rtol=1e-6)


def test_what_was_dropped_is_counted(shared_data: Path) -> None:
    whole = read(shared_data, "wholebody", "coco/test_coco_wholebody.json", "coco")
    records = json.loads((shared_data / "pose_samples/coco/test_coco_wholebody.json").read_text())["annotations"]
    kept = [r for r in records if not r["iscrowd"] and any(r["keypoints"][2::3])]
    for part in ("foot_kpts", "face_kpts", "lefthand_kpts", "righthand_kpts"):
        assert whole.dropped_joints[part] == sum(flag > 0 for record in kept for flag in record[part][2::3]) > 0
    assert whole.dropped_fields["segmentation"] == len(kept)
    aic = read(shared_data, "aic", "aic/test_aic.json", "aic")
    assert aic.dropped_joints == {"head_top": 9, "neck": 9}
    track = read(shared_data, "posetrack18", "posetrack18/annotations/test_posetrack18_val.json", "posetrack18")
    assert set(track.dropped_joints) == {"head_bottom", "head_top"}


def test_mpii_json_is_read_as_plain_json_says(shared_data: Path) -> None:
    content = read(shared_data, "mpii", "mpii/test_mpii.json", "mpii")
    records = json.loads((shared_data / "pose_samples/mpii/test_mpii.json").read_text())
    assert len(content.people) == len(records)
    for row, record in enumerate(records):
        flags = np.array(record["joints_vis"], dtype=float)[:, None]
        check_joints(content, row, np.hstack([np.array(record["joints"]) - 1, flags]), MPII, {0: 0, 1: 2})
        box = content.people.bbox_xywh_px[row]
        shown = content.people.keypoints_px[row][content.people.visibility[row] > 0]
        assert ((shown >= box[:2] - 1) & (shown <= box[:2] + box[2:] + 1)).all()


def test_posetrack_keeps_tracks_and_frames_and_reads_a_folder_of_files(shared_data: Path) -> None:
    merged = read(shared_data, "posetrack18", "posetrack18/annotations/test_posetrack18_val.json", "posetrack18")
    folder = read(shared_data, "posetrack18", "posetrack18/annotations/val", "posetrack18")

    def facts(content: SourceContent) -> list[Any]:
        return sorted(zip(content.people.extras["source_id"].tolist(), content.people.track_id.tolist(), strict=True))

    assert facts(merged) == facts(folder)
    assert max(merged.people.track_id) > 0
    assert sorted(merged.images.video.tolist()) == ["003418", "009473", "012834"]
    assert merged.images.group.tolist() == merged.images.video.tolist()
    assert merged.images.frame.tolist() == [0, 0, 0]


def test_lspet_is_read_whole(shared_data: Path) -> None:
    annotations = shared_data / "lspet/annotations.json"
    content = FORMATS["coco"].read(annotations, shared_data / "lspet/images", Limits())
    truth = json.loads(annotations.read_text())["annotations"]
    assert len(content.people) + len(content.bad) == len(truth) == 5993
    assert {record.id for record in content.bad} == {"3363", "8099"}, "two have joints beyond the border"
    by_id = {record["id"]: record for record in truth}
    expected = np.array([by_id[i]["keypoints"] for i in content.people.extras["source_id"].tolist()])
    np.testing.assert_array_equal(content.people.visibility, expected.reshape(-1, 17, 3)[..., 2])
    np.testing.assert_array_equal(content.people.keypoints_px, expected.reshape(-1, 17, 3)[..., :2].astype(np.float32))


def test_lspet_as_the_mat_it_came_in_gives_the_same_people(shared_data: Path, tmp_path: Path) -> None:
    """The copy here is COCO; the matrix is built from it as the release has it, with images linked by number."""
    source = shared_data / "lspet"
    document = json.loads((source / "annotations.json").read_text())
    names = {image["id"]: image["file_name"] for image in document["images"]}
    records = document["annotations"][:400]
    matrix = np.zeros((14, 3, len(records)))
    for column, record in enumerate(records):
        triples = np.array(record["keypoints"], dtype=float).reshape(17, 3)
        for joint, row in LSPET.items():
            matrix[row, :, column] = [*(triples[joint, :2] + 1), 1] if triples[joint, 2] else 0
        copy = tmp_path / "images" / f"im{column + 1:05d}.jpg"
        copy.parent.mkdir(exist_ok=True)
        shutil.copyfile(source / "images" / names[record["image_id"]], copy)
    scipy.io.savemat(tmp_path / "joints.mat", {"joints": matrix})
    content = FORMATS["lsp"].read(tmp_path / "joints.mat", tmp_path / "images", Limits())
    assert (len(content.people), content.bad) == (400, [])
    expected = np.array([record["keypoints"] for record in records]).reshape(-1, 17, 3)
    np.testing.assert_array_equal(content.people.visibility, expected[..., 2])
    np.testing.assert_allclose(content.people.keypoints_px, expected[..., :2], atol=1e-4)
    boxes, labelled = content.people.bbox_xywh_px[:, None], expected[..., 2] > 0
    inside = (expected[..., :2] >= boxes[..., :2] - 1) & (expected[..., :2] <= boxes[..., :2] + boxes[..., 2:] + 1)
    assert np.asarray(inside.all(axis=2))[labelled].all()
