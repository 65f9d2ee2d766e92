"""The stage, judged by the files it writes."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from pycocotools.coco import COCO

from dataengine.coco_json import read_people
from dataengine.datasets.cameras.label_views import ViewLabels
from dataengine.datasets.ingest import run, view_people
from dataengine.datasets.sources.user_sources import SourceParams
from dataengine.errors import InputError
from dataengine.leakage.film_names import film_name
from dataengine.leakage.leaks import refuse_held_out
from dataengine.people import Images
from dataengine.person_scale import scale_counts
from dataengine.video.decoding import video_hash

from ..helpers.clips import textured
from ..helpers.held_out import encoded_again
from .ingest_samples import PARAMS, annotation, edit, own, small_set, truncate

SPLITS = ("train", "val", "test")
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
    assert metrics["records"] == {"in": 60, "kept": 60, "quarantined": 0, "merged": 0, "left_out": 0, "passed_over": 0}
    assert metrics["area_from"] == {"given": 30}
    assert metrics["pool_frames"] == len(read_people(tmp_path / "out/pool.json")[1]) == 6


def test_people_of_the_cameras_get_boxes_and_areas_by_the_one_rule() -> None:
    """By the joints that are labelled and in the picture alone: joints that views dispute do not stretch the box."""
    points = np.random.default_rng(0).uniform([60, 40], [120, 180], (1, 3, 17, 2))
    flags = np.full((1, 3, 17), 2, dtype=np.uint8)
    points[0, 0, 3], flags[0, 0, 3] = (5, 5), 0
    points[0, 1, 4] = (-20, 100)
    labels = ViewLabels(points, flags, np.zeros((3, 17, 3)), {}, np.zeros((1, 3, 17)))
    images = Images.build(id=[1, 2, 3], path=list("abc"), width=200, height=220)
    people = view_people(labels, 0, images, (1.0, 1.0))
    assert people.visibility[0, 3] == people.visibility[1, 4] == 0
    for row in range(3):
        extent = np.ptp(people.keypoints_px[row][people.visibility[row] > 0].astype(np.float64), axis=0)
        assert people.bbox_xywh_px[row, 2:] == pytest.approx(1.24 * extent, rel=1e-5)
        assert people.extras["area"][row] == pytest.approx(0.53 * extent.prod(), rel=1e-5)
    assert scale_counts(people) == {"joints": 3}


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
    assert counts == {"in": 60, "kept": 58, "quarantined": 2, "merged": 0, "left_out": 0, "passed_over": 0}


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
    videos = [str(fetched / f"pose2sim/cam0{number}.mp4") for number in (1, 2, 3, 4)]
    params = replace(PARAMS, pool_videos=videos, pool_every=2)  # the very videos that are labelled
    run(params, fetched=fetched, out=tmp_path / "out", report=tmp_path / "report")
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
        assert set(images.video) == {film_name(path, video_hash(path)) for path in map(Path, videos)}
        assert set(images.group) == {"pose2sim"}, "one recording"
        assert cv2.imread(str(images.path[0])).shape[:2] == (images.height[0], images.width[0])
        frames[split] = images.frame
        labelled = people.visibility > 0
        rows = images.rows_of(people.image_id)
        assert (people.keypoints_px[labelled] >= 0).all()
        assert (people.keypoints_px[..., 1] < images.height[rows, None])[labelled].all()
    for first, second in (("train", "val"), ("train", "test"), ("val", "test")):
        assert np.abs(frames[first][:, None] - frames[second]).min() > 4
    pool = read_people(tmp_path / "out/pool.json")[1]
    assert len(pool) == 4 * 28 and pool.frame.max() == 54, "validation begins at 60, and nothing is nearer than 5"
    counts = json.loads((tmp_path / "report/metrics.json").read_text())["pool_left_out"]
    assert counts == {"same file": 4 * 18, "same video": 4 * 4, "near duplicate": 0, "unreadable": 0}
    assert len(frames["train"]) == 4 * 56, "no training frame passes for one of another camera's test frames"


def test_labels_of_a_camera_are_scaled_about_the_corner_of_its_frames() -> None:
    """Frames of 1088 x 1920, written as 363 x 640: the corners and what lies just outside, then the middle."""
    points = np.tile([543.5, 959.5], (1, 1, 17, 1))
    points[0, 0, :4] = (-0.4, -0.4), (1087.4, 1919.4), (1087.6, 5), (5, -0.6)
    zeros = np.zeros((1, 1, 17))
    labels = ViewLabels(points, np.full((1, 1, 17), 2, np.uint8), np.zeros((1, 17, 3)), {}, zeros)
    images = Images.build(id=[1], path=["0.jpg"], width=363, height=640)
    person = view_people(labels, 0, images, (363 / 1088, 640 / 1920))
    assert person.visibility[0, :5].tolist() == [2, 2, 0, 0, 2]
    np.testing.assert_allclose(
        person.keypoints_px[0, [0, 1, 4]], [[-0.4666, -0.4667], [362.4666, 639.4667], [181, 319.5]], atol=1e-3
    )


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


def test_the_pool_is_cleared_of_what_validation_and_test_hold_and_says_so(tmp_path: Path, fetched: Path) -> None:
    path = small_set(tmp_path / "mine")
    run(own(path), fetched=fetched, out=tmp_path / "out", report=tmp_path / "report")
    shown = {split: Path(read_people(tmp_path / f"out/{split}.json")[1].path[0]) for split in SPLITS}
    frames = tmp_path / "frames"
    encoded_again(shown["val"], frames / "walk_000001.jpg")
    shutil.copyfile(shown["test"], frames / "walk_000002.jpg")
    shutil.copyfile(shown["train"], frames / "walk_000003.jpg")
    (frames / "walk_000004.jpg").write_bytes(shown["train"].read_bytes()[:-500])
    sources = [*own(path).sources, SourceParams(name="walk", format="frames", images=str(frames))]
    params = replace(PARAMS, sources=[replace(sources[0], name="mine"), sources[1]])
    run(params, fetched=fetched, out=tmp_path / "out", report=tmp_path / "report")
    assert read_people(tmp_path / "out/pool.json")[1].frame.tolist() == [3]
    metrics = json.loads((tmp_path / "report/metrics.json").read_text())
    assert metrics["pool_frames"] == 1
    assert metrics["pool_left_out"] == {"same file": 1, "same video": 0, "near duplicate": 1, "unreadable": 1}
    pool = json.loads((tmp_path / "report/quality.json").read_text())["pool"]
    reasons = {Path(frame["file"]).name: frame["reason"] for frame in pool["frames"]}
    assert reasons["walk_000001.jpg"] == "a near duplicate of a picture of val"
    assert reasons["walk_000002.jpg"] == "the same file as a picture of test"
    assert "1 unlabelled frames kept, 3 left out" in (tmp_path / "report/quality.html").read_text()


def still_camera(folder: Path, count: int = 60) -> Path:
    """A COCO set of the frames of a still camera: names that say nothing of a video, pictures that all look alike."""
    path = small_set(folder, count)
    scene = textured(3, shape=(48, 64))
    for number in range(count):
        picture = scene.copy()
        cv2.circle(picture, (2 + number, 24), 4, (255, 255, 255), -1)
        assert cv2.imwrite(str(folder / f"images/{number:03d}.jpg"), picture)
        (folder / f"images/{number:03d}.jpg").rename(folder / f"images/still {number}.jpg")
    edit(path, lambda d: [image.update(file_name=f"still {n}.jpg") for n, image in enumerate(d["images"])])
    return path


def test_a_still_camera_is_split_by_time_or_refused_with_the_way_out(tmp_path: Path, fetched: Path) -> None:
    path = still_camera(tmp_path / "mine")
    with pytest.raises(InputError, match=r"split train is empty.*of 60 pictures that repeat.*split\.by: time"):
        run(own(path), fetched=fetched, out=tmp_path / "out", report=tmp_path / "report")
    by_time = replace(PARAMS.split, by="time")
    run(own(path, split=by_time), fetched=fetched, out=tmp_path / "out", report=tmp_path / "report")
    tables = {split: read_people(tmp_path / f"out/{split}.json")[1] for split in SPLITS}
    assert {split: len(table) for split, table in tables.items()} == {"train": 32, "val": 8, "test": 12}
    frames = {split: set(table.frame.tolist()) for split, table in tables.items()}
    assert frames == {"train": set(range(32)), "val": set(range(36, 44)), "test": set(range(48, 60))}
    for table in tables.values():
        assert [Path(name).name for name in table.path] == [f"still {frame}.jpg" for frame in table.frame]
        assert set(table.video.tolist()) == {"coco"}
    metrics = json.loads((tmp_path / "report/metrics.json").read_text())
    counts = {"in": 120, "kept": 104, "quarantined": 0, "merged": 0, "left_out": 16, "passed_over": 0}
    assert metrics["records"] == counts and metrics["sources"]["coco"]["records"] == counts
    refuse_held_out(tmp_path / "out/held_out.json", tables["train"], "train.json")
    with pytest.raises(InputError, match="12 of test"):
        refuse_held_out(tmp_path / "out/held_out.json", tables["test"], "test.json")
