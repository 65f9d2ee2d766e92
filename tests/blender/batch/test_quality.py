"""What a batch reports of pictures that were taken again or left out."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dataengine.blender.batch.labels import write_labels
from dataengine.blender.batch.paths import LEFT_OUT, ImagePaths
from dataengine.blender.batch.quality import Keeping, NothingKept
from dataengine.blender.batch.workforce import Outcome
from dataengine.blender.scene.params import RenderParams
from dataengine.coco_json import read_people
from dataengine.files import write_json
from dataengine.pictures.encoding import write_picture

PERSON: dict[str, Any] = {
    "instance": 1, "bbox_xywh_px": [1, 1, 8, 8], "keypoints_px": [[3, 3]] * 17, "visibility": [2] * 17, "area": 40,
    "iscrowd": 0, "segmentation": {"size": [96, 96], "counts": ""}, "keypoints_cam_m": [[0, 0, 1]] * 17,
    "K": [[1, 0, 0], [0, 1, 0], [0, 0, 1]], "cam_from_world": [[1, 0, 0, 0]] * 4, "pose_name": "p", "phenotype": {},
}  # fmt: skip


def made(out: Path, index: int, **about: Any) -> None:
    """The files of an image; without a picture where it was left out."""
    paths = ImagePaths.of(out, index)
    paths.image.parent.mkdir(parents=True, exist_ok=True)
    if LEFT_OUT not in about:
        write_picture(paths.image, np.full((96, 96, 3), 90, np.uint8))
        about = {**about, "people": [PERSON]}
    write_json(paths.sidecar, {"index": index, **about})


def test_labels_leave_out_what_was_not_worth_keeping(
    tmp_path: Path, small_params: RenderParams, capsys: pytest.CaptureFixture[str]
) -> None:
    made(tmp_path, 0)
    made(tmp_path, 1, **{LEFT_OUT: "nobody can be seen"})
    made(tmp_path, 2, attempt=2)
    quality = write_labels(replace(small_params, images=3), tmp_path, Outcome(), 3)
    assert quality == Keeping(images=2, taken_again=1, left_out=1, why={"nobody can be seen": 1})
    people, images = read_people(tmp_path / "people.json")
    assert images.id.tolist() == people.image_id.tolist() == [0, 2]
    assert json.loads((tmp_path / "quality.json").read_text())["why"] == {"nobody can be seen": 1}
    assert "1 taken again, 1 left out, 1 because nobody can be seen" in capsys.readouterr().err


def test_a_batch_of_which_nothing_is_left_is_one_line(tmp_path: Path, small_params: RenderParams) -> None:
    made(tmp_path, 0, **{LEFT_OUT: "nobody can be seen"})
    with pytest.raises(NothingKept, match="1 because nobody can be seen"):
        write_labels(replace(small_params, images=1), tmp_path, Outcome(), 1)
    assert not (tmp_path / "people.json").exists()


def test_where_all_were_kept_at_once_nothing_is_said() -> None:
    assert Keeping.of([{"people": []}, {"people": []}]).words() == ""
