"""The stage on both of its sources, judged by the files it writes."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml
from pycocotools.coco import COCO

from dataengine.coco_json import read_people
from dataengine.datasets.cameras.label_views import MultiviewParams
from dataengine.datasets.formats.coco import read_coco
from dataengine.datasets.ingest import IngestParams, run
from dataengine.datasets.sources.user_sources import ID_STRIDE, SourceParams
from dataengine.datasets.splits.assign import SplitParams
from dataengine.errors import InputError, ParamsError
from dataengine.keypoints import COCO_KEYPOINTS
from dataengine.params import load_section

REPOSITORY = Path(__file__).resolve().parents[2]
PARAMS = IngestParams(
    sources=[],
    pool_videos=[],
    pool_every=40,
    longest_side_px=320,
    max_bad_share=0.5,
    split=SplitParams(val_share=0.2, test_share=0.2, gap_frames=4),
    multiview=MultiviewParams(
        max_error_px=25, min_views=3, min_confidence=0.3, visible_confidence=0.7, alignment_rounds=3
    ),
)


def small_set(folder: Path, count: int = 30, seed: int = 0) -> Path:
    """A well-formed COCO file with one person in each of `count` images."""
    (folder / "images").mkdir(parents=True)
    rng = np.random.default_rng(seed)
    images, annotations = [], []
    for number in range(count):
        name = f"{number:03d}.jpg"
        cv2.imwrite(str(folder / "images" / name), rng.integers(0, 255, (48, 64, 3), dtype=np.uint8))
        images.append({"id": number + 1, "file_name": name, "width": 64, "height": 48})
        triples = [[8.0 + joint, 20.0, 1 + joint % 2] for joint in range(17)]
        annotations.append(
            {
                "id": 100 + number,
                "image_id": number + 1,
                "category_id": 1,
                "bbox": [5, 10, 30, 25],
                "area": 400.0,
                "iscrowd": 0,
                "keypoints": [value for triple in triples for value in triple],
                "num_keypoints": 17,
            }
        )
    document = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": 1, "name": "person", "keypoints": list(COCO_KEYPOINTS), "skeleton": []}],
    }
    path = folder / "annotations.json"
    path.write_text(json.dumps(document))
    return path


def edit(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def own(path: Path, **changes: Any) -> IngestParams:
    return replace(PARAMS, sources=[SourceParams(annotations=str(path), images=str(path.parent / "images"))], **changes)


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


def annotation(key: str, value: Any) -> Callable[[Path], None]:
    return lambda path: edit(path, lambda d: d["annotations"][3].__setitem__(key, value))


def image(key: str, value: Any) -> Callable[[Path], None]:
    return lambda path: edit(path, lambda d: d["images"][3].__setitem__(key, value))


def truncate(path: Path) -> None:
    broken = path.parent / "images/003.jpg"
    broken.write_bytes(broken.read_bytes()[:-600])  # the header is whole


BAD: list[tuple[Callable[[Path], Any], str, int]] = [
    (annotation("keypoints", [1, 2, 3]), "not 51 numbers", 1),
    (annotation("keypoints", [float("nan"), 1, 2] * 17), "not a finite number", 1),
    (annotation("keypoints", [1e308, 1, 2] * 17), "not a finite number", 1),
    (annotation("keypoints", [9, 9, 3] * 17), "visibility is not 0, 1 or 2", 1),
    (annotation("keypoints", [500, 9, 2] * 17), "joint lies outside", 1),
    (annotation("keypoints", None), "not 51 numbers", 1),
    (annotation("bbox", [5, 10, 0, 25]), "box is empty", 1),
    (annotation("bbox", [500, 10, 5, 25]), "box lies outside", 1),
    (annotation("bbox", [float("inf"), 10, 5, 25]), "four finite numbers", 1),
    (annotation("category_id", 7), "not a person's", 1),
    (annotation("category_id", [1]), "not a person's", 1),
    (annotation("image_id", 999), "image 999 is unknown", 1),
    (annotation("image_id", [1]), "is unknown", 1),
    (annotation("id", 100), "more than once", 1),
    (annotation("id", None), "not a whole number", 1),
    (lambda path: edit(path, lambda d: d["annotations"].__setitem__(3, "text")), "not an object", 1),
    (image("width", 640), "stated 640x48, is 64x48", 2),
    (image("width", -1), "not sizes", 2),
    (image("file_name", "../annotations.json"), "leaves the image folder", 2),
    (image("file_name", "/etc/passwd"), "leaves the image folder", 2),
    (image("file_name", "absent.jpg"), "does not exist", 2),
    (image("id", 1), "more than once", 4),
    (lambda path: (path.parent / "images/003.jpg").write_text("<html>"), "cannot be read", 2),
]


@pytest.mark.parametrize(("damage", "reason", "quarantined"), BAD)
def test_every_bad_record_is_listed_by_id_and_counted(
    tmp_path: Path, damage: Callable[[Path], Any], reason: str, quarantined: int
) -> None:
    path = small_set(tmp_path)
    damage(path)
    content = read_coco(path, tmp_path / "images")
    assert len(content.bad) == quarantined
    assert any(reason in record.reason for record in content.bad), [record.reason for record in content.bad]
    assert content.records == len(content.people) + len(content.images) + len(content.bad) + content.without_labels
    assert all(record.id for record in content.bad)


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


def test_people_without_labels_and_crowds_are_counted_not_quarantined(tmp_path: Path) -> None:
    path = small_set(tmp_path)
    annotation("keypoints", [0] * 51)(path)
    edit(path, lambda d: d["annotations"][4].__setitem__("iscrowd", 1))
    content = read_coco(path, tmp_path / "images")
    assert (len(content.people), content.without_labels, content.bad) == (28, 2, [])


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


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "is not COCO"),
        ('{"images": []}', "is not COCO"),
        ('{"images": [], "annotations": [], "categories": [{"id": 3, "name": "dog"}]}', "has no people"),
        ('{"images": [', "cannot be read"),
    ],
)
def test_a_file_that_is_no_coco_set_is_refused_whole(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InputError, match=message):
        read_coco(tmp_path / "a.json", tmp_path)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([{"images": "a"}], "annotations and images"),
        ([{"images": "a", "annotations": "b", "format": "vicon"}], "format: expected coco"),
        ([{"images": "a", "annotations": "b", "format": "frames"}], "no other path"),
        ([{"images": "a", "annotations": "b", "name": "../x"}], "letters, digits"),
        ([{"images": "a", "annotations": "b"}] * 2, "a name of its own"),
        ([{"images": "a", "annotations": "b", "name": "mine"}] * 2, "a name of its own"),
    ],
)
def test_a_source_that_says_too_little_is_refused(entries: list[dict[str, str]], message: str) -> None:
    with pytest.raises(ParamsError, match=message):
        replace(PARAMS, sources=[SourceParams(**entry) for entry in entries])


@pytest.mark.realdata
def test_lspet_goes_through_with_corrupted_records_set_aside(tmp_path: Path, shared_data: Path, fetched: Path) -> None:
    source = shared_data / "lspet"
    document = json.loads((source / "annotations.json").read_text())
    images = document["images"][:200]
    kept_ids = {record["id"] for record in images}
    annotations = [record for record in document["annotations"] if record["image_id"] in kept_ids]
    (tmp_path / "images").mkdir()
    for record in images:
        name = Path(record["file_name"]).name
        shutil.copyfile(next((source / "images").rglob(name)), tmp_path / "images" / name)
        record["file_name"] = name
    annotations[5]["keypoints"][0] = float("nan")
    annotations[9]["bbox"] = [0, 0, -4, 3]
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(document | {"images": images, "annotations": annotations}))
    run(own(path), fetched=fetched, out=tmp_path / "out", report=tmp_path / "report")
    quarantined = json.loads((tmp_path / "report/quarantine.json").read_text())
    assert {str(annotations[5]["id"]), str(annotations[9]["id"])} <= {record["id"] for record in quarantined}
    total = 0
    for split in ("train", "val", "test"):
        people, _ = read_people(tmp_path / "out" / f"{split}.json")
        assert not people.visibility[:, :5].any(), "LSP labels no face joints; they stay unlabelled"
        total += len(people)
    records = json.loads((tmp_path / "report/metrics.json").read_text())["records"]
    assert records["kept"] == total + len(images)
    assert records["in"] == records["kept"] + records["quarantined"] + records["merged"]


def test_several_sources_become_one_set_and_each_is_accounted_for(tmp_path: Path, fetched: Path) -> None:
    first, second = small_set(tmp_path / "a"), small_set(tmp_path / "b", seed=1)
    edit(second, lambda d: d["annotations"][3].__setitem__("bbox", [1, 2]))
    edit(second, lambda d: d["annotations"][4].__setitem__("iscrowd", 1))
    shutil.copyfile(first.parent / "images/007.jpg", second.parent / "images/007.jpg")  # the same picture and person
    truncate(first)
    with (tmp_path / "b/images/009.jpg").open("r+b") as opened:
        opened.truncate(1500)
    for number in range(3):
        frame = tmp_path / "frames" / f"walk_{number:06d}.jpg"
        frame.parent.mkdir(exist_ok=True)
        shutil.copyfile(first.parent / "images/001.jpg", frame)
    sources = [
        SourceParams(name="one", annotations=str(first), images=str(first.parent / "images")),
        SourceParams(name="two", format="dataengine", annotations=str(second), images=str(second.parent / "images")),
        SourceParams(name="walk", format="frames", images=str(tmp_path / "frames")),
    ]
    params = replace(PARAMS, sources=sources)
    run(params, fetched=fetched, out=tmp_path / "out", report=tmp_path / "report")
    metrics = json.loads((tmp_path / "report/metrics.json").read_text())
    one, two = (metrics["sources"][name]["records"] for name in ("one", "two"))
    assert one == {"in": 60, "kept": 58, "quarantined": 2, "merged": 0, "left_out": 0, "without_labels": 0}
    assert two == {"in": 60, "kept": 54, "quarantined": 3, "merged": 2, "left_out": 0, "without_labels": 1}
    assert metrics["records"] == {"in": 120, "kept": 58 + 54 + 1, "quarantined": 5, "merged": 2, "left_out": 0}
    assert metrics["pool_frames"] == 3
    splits = {split: read_people(tmp_path / "out" / f"{split}.json") for split in ("train", "val", "test")}
    names = [str(name) for people, _ in splits.values() for name in people.extras["source_name"]]
    assert (names.count("one"), names.count("two")) == (29, 26)
    ids = np.concatenate([images.id for _, images in splits.values()])
    assert len(set(ids.tolist())) == len(ids) == 55
    assert set((ids // ID_STRIDE).tolist()) == {1, 2}
    assert read_people(tmp_path / "out/pool.json")[1].video.tolist() == ["walk"] * 3
    # a source that is added moves nobody and renumbers nobody
    before = {name: set(images.id.tolist()) for name, (_, images) in splits.items()}
    run(replace(params, sources=sources[:1]), fetched=fetched, out=tmp_path / "fewer", report=tmp_path / "report")
    for name in splits:
        assert set(read_people(tmp_path / "fewer" / f"{name}.json")[1].id.tolist()) <= before[name]


def test_params_yaml_takes_sources_in_one_line(tmp_path: Path, repository: Path) -> None:
    text = (repository / "params.yaml").read_text()
    assert "\n  sources: []\n" in text
    line = "\n  sources: [{annotations: mine/people.json, images: mine/images}]\n"
    (tmp_path / "params.yaml").write_text(text.replace("\n  sources: []\n", line))
    (source,) = load_section(tmp_path / "params.yaml", "ingest", IngestParams).sources
    assert source == SourceParams(annotations="mine/people.json", images="mine/images", format="coco", name="")


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
