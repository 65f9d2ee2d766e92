"""The stage, judged by the files it writes."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from pycocotools.coco import COCO

from dataengine.coco_json import read_people
from dataengine.datasets.ingest import run
from dataengine.errors import InputError

from .ingest_samples import PARAMS, annotation, own, small_set, truncate

REPOSITORY = Path(__file__).resolve().parents[2]


def test_a_good_set_is_split_whole_and_keeps_its_labels(tmp_path: Path, fetched: Path) -> None:
    path = small_set(tmp_path / "mine")
    run(own(path), fetched=fetched, out=tmp_path / "out", report=tmp_path / "report")
    made = yaml.safe_load((REPOSITORY / "dvc.yaml").read_text())["stages"]["ingest"]
    entries = [entry for key in ("outs", "metrics", "plots") for entry in made.get(key, [])]
    for path_made in (entry if isinstance(entry, str) else next(iter(entry)) for entry in entries):
        room, _, name = path_made.partition("/ingest")
        assert (tmp_path / {"data": "out", "reports": "report"}[room] / name.strip("/")).exists(), "DVC asks for it"
    truth = COCO(str(path))
    found: list[int] = []
    for split in ("train", "val", "test"):
        people, images = read_people(tmp_path / "out" / f"{split}.json")
        assert all(Path(name).is_relative_to(tmp_path / "out") and Path(name).exists() for name in images.path)
        for row, identity in enumerate(people.extras["source_id"]):
            expected = np.array(truth.anns[identity]["keypoints"]).reshape(17, 3)
            np.testing.assert_array_equal(people.keypoints_px[row], expected[:, :2])
            np.testing.assert_array_equal(people.visibility[row], expected[:, 2])
        found += people.extras["source_id"].tolist()
    assert sorted(found) == list(range(100, 130))
    metrics = json.loads((tmp_path / "report/metrics.json").read_text())
    assert metrics["records"] == {"in": 60, "kept": 60, "quarantined": 0, "merged": 0, "left_out": 0}
    assert metrics["pool_frames"] == len(read_people(tmp_path / "out/pool.json")[1]) == 6


def test_a_truncated_picture_is_quarantined_with_its_person(tmp_path: Path, fetched: Path) -> None:
    path = small_set(tmp_path / "mine")
    truncate(path)
    run(own(path), fetched=fetched, out=tmp_path / "out", report=tmp_path / "report")
    listed = json.loads((tmp_path / "report/quarantine.json").read_text())
    assert [(record["table"], record["file"]) for record in listed] == [
        ("images", "003.jpg"),
        ("annotations", "003.jpg"),
    ]
    counts = json.loads((tmp_path / "report/metrics.json").read_text())["sources"]["coco"]["records"]
    assert counts == {"in": 60, "kept": 58, "quarantined": 2, "merged": 0, "left_out": 0, "without_labels": 0}


def test_too_many_damaged_pictures_stop_the_stage_and_leave_the_list(tmp_path: Path, fetched: Path) -> None:
    path = small_set(tmp_path / "mine")
    truncate(path)
    with pytest.raises(InputError, match="2 of 60 records are damaged pictures"):
        run(own(path, max_bad_share=0.01), fetched=fetched, out=tmp_path / "out", report=tmp_path / "report")
    assert len(json.loads((tmp_path / "report/quarantine.json").read_text())) == 2
    assert not (tmp_path / "out").exists()


def test_too_many_bad_records_stop_the_stage_and_leave_the_list(tmp_path: Path, fetched: Path) -> None:
    path = small_set(tmp_path / "mine")
    annotation("bbox", [1, 2, 3])(path)
    with pytest.raises(InputError, match=r"source 'coco': 1 of 60 records are bad: expected at most 1\.0%"):
        run(own(path, max_bad_share=0.01), fetched=fetched, out=tmp_path / "out", report=tmp_path / "report")
    assert not (tmp_path / "out").exists()
    (record,) = json.loads((tmp_path / "report/quarantine.json").read_text())
    assert record == {
        "file": str(path),
        "table": "annotations",
        "id": "103",
        "reason": "bbox is not four finite numbers",
    }


@pytest.mark.slow
def test_four_cameras_become_labels_far_better_than_plain_dlt(tmp_path: Path, fetched: Path) -> None:
    run(PARAMS, fetched=fetched, out=tmp_path / "out", report=tmp_path / "report")
    quality = json.loads((tmp_path / "report/metrics.json").read_text())["reprojection"]
    assert quality["median_px"] < 10 < quality["plain_dlt_median_px"]
    assert quality["p90_px"] < 30 < quality["plain_dlt_p90_px"]
    assert quality["kept_share"] > 0.9
    assert quality["median_px"] < quality["unaligned_median_px"] < quality["plain_dlt_median_px"]
    assert quality["left_out_view_median_px"] < 20, "a view that took no part is predicted by the others"
    assert cv2.imread(str(tmp_path / "report/reprojection.png")).std() > 20
    frames = {}
    for split in ("train", "val", "test"):
        people, images = read_people(tmp_path / "out" / f"{split}.json")
        COCO(str(tmp_path / "out" / f"{split}.json"))
        assert set(images.video) == {f"cam0{number}.mp4" for number in (1, 2, 3, 4)}
        assert set(images.group) == {"pose2sim"}, "one recording"
        assert cv2.imread(str(images.path[0])).shape[:2] == (images.height[0], images.width[0])
        frames[split] = images.frame
        labelled = people.visibility > 0
        rows = images.rows_of(people.image_id)
        assert (people.keypoints_px[labelled] >= 0).all()
        assert (people.keypoints_px[..., 1] < images.height[rows, None])[labelled].all()
    for first, second in (("train", "val"), ("train", "test"), ("val", "test")):
        assert np.abs(frames[first][:, None] - frames[second]).min() > 4


def test_fewer_training_images_are_part_of_more_and_all_are_accounted_for(tmp_path: Path, fetched: Path) -> None:
    path = small_set(tmp_path / "mine")
    truncate(path)  # a bad record, and a picture that is damaged
    files: dict[int | None, dict[str, set[str]]] = {}
    for limit in (None, 3, 7):
        params = own(path, split=replace(PARAMS.split, train_images=limit))
        run(params, fetched=fetched, out=tmp_path / "out", report=tmp_path / "report")
        splits = ("train", "val", "test")
        files[limit] = {s: {Path(p).name for p in read_people(tmp_path / f"out/{s}.json")[1].path} for s in splits}
        metrics = json.loads((tmp_path / "report/metrics.json").read_text())
        quality = json.loads((tmp_path / "report/quality.json").read_text())
        own_counts = metrics["sources"]["coco"]["records"]
        for counts in (metrics["records"], own_counts, quality["counts"]):
            assert counts["in"] == 60 == sum(n for name, n in counts.items() if name != "in")
            assert counts["left_out"] == 2 * (len(files[None]["train"]) - (limit or len(files[None]["train"])))
        assert quality["splits"] == {split: len(names) for split, names in files[limit].items()}
        assert quality["kept"]["images"] == sum(map(len, files[limit].values())) == quality["kept"]["people"]
        copied = {p.name for p in (tmp_path / "out/images").rglob("*.jpg")}
        assert copied == set.union(*files[limit].values()), "what is left out is not copied"
    assert len(files[3]["train"]) == 3 and len(files[7]["train"]) == 7
    assert files[3]["train"] < files[7]["train"] < files[None]["train"]
    assert files[3]["test"] == files[7]["test"] == files[None]["test"] and files[3]["val"] == files[None]["val"]
    assert "left out" in (tmp_path / "report/quality.html").read_text()
