"""The stage on the user's sources: one, several, and a real one."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dataengine.coco_json import read_people
from dataengine.datasets.ingest import IngestParams, run
from dataengine.datasets.sources.user_sources import ID_STRIDE, SourceParams
from dataengine.errors import InputError, ParamsError
from dataengine.params import load_section

from .ingest_samples import PARAMS, annotation, edit, own, small_set, truncate


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([{"images": "a"}], "annotations and images"),
        ([{"images": "a", "annotations": "b", "format": "vicon"}], "format: expected coco"),
        ([{"images": "a", "annotations": "b", "format": "frames"}], "no other path"),
        ([{"images": "a", "annotations": "b", "name": "../x"}], "letters, digits"),
        ([{"images": "a", "annotations": "b"}] * 2, "a unique name"),
        ([{"images": "a", "annotations": "b", "name": "mine"}] * 2, "a unique name"),
    ],
)
def test_a_source_that_says_too_little_is_refused(entries: list[dict[str, str]], message: str) -> None:
    with pytest.raises(ParamsError, match=message):
        replace(PARAMS, sources=[SourceParams(**entry) for entry in entries])


def test_several_sources_become_one_set_and_each_is_accounted_for(tmp_path: Path, fetched: Path) -> None:
    first, second = small_set(tmp_path / "a"), small_set(tmp_path / "b", seed=1)
    edit(second, lambda d: d["annotations"][3].__setitem__("bbox", [1, 2]))
    edit(second, lambda d: d["annotations"][4].__setitem__("iscrowd", 1))
    shutil.copyfile(first.parent / "images/007.jpg", second.parent / "images/007.jpg")  # the same picture and person
    truncate(first)
    with (tmp_path / "b/images/009.jpg").open("r+b") as opened:
        opened.truncate(1500)
    other = small_set(tmp_path / "c", 3, seed=2)
    for number in range(3):
        frame = tmp_path / "frames" / f"walk_{number:06d}.jpg"
        frame.parent.mkdir(exist_ok=True)
        shutil.copyfile(other.parent / f"images/00{number}.jpg", frame)
    sources = [
        SourceParams(name="one", annotations=str(first), images=str(first.parent / "images")),
        SourceParams(name="two", format="dataengine", annotations=str(second), images=str(second.parent / "images")),
        SourceParams(name="walk", format="frames", images=str(tmp_path / "frames")),
    ]
    params = replace(PARAMS, sources=sources)
    run(params, fetched=fetched, out=tmp_path / "out", report=tmp_path / "report")
    metrics = json.loads((tmp_path / "report/metrics.json").read_text())
    one, two = (metrics["sources"][name]["records"] for name in ("one", "two"))
    assert one == {"in": 60, "kept": 58, "quarantined": 2, "merged": 0, "left_out": 0, "passed_over": 0}
    assert two == {"in": 60, "kept": 54, "quarantined": 3, "merged": 2, "left_out": 0, "passed_over": 1}
    both = {"in": 120, "kept": 58 + 54, "quarantined": 5, "merged": 2, "left_out": 0, "passed_over": 1}
    assert metrics["records"] == both
    assert metrics["sources"]["two"]["passed_over"] == {"crowd": 1}
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


def test_what_is_passed_over_is_no_bad_record_and_is_shown(tmp_path: Path, fetched: Path) -> None:
    path = small_set(tmp_path)

    def with_others(document: dict[str, Any]) -> None:
        document["categories"] += [{"id": 2, "name": "ball"}, {"id": 3, "name": "dog", "keypoints": ["k"] * 17}]
        for number in range(400):
            kind: dict[str, Any] = [{"category_id": 2}, {"category_id": 3}, {"iscrowd": 1}, {}][number % 4]
            document["annotations"].append({"id": 900 + number, "image_id": 1, "category_id": 1, "bbox": "?", **kind})

    edit(path, with_others)
    run(own(path, max_bad_share=0.0), fetched=fetched, out=tmp_path / "out", report=tmp_path / "report")
    metrics = json.loads((tmp_path / "report/metrics.json").read_text())
    counts = {"in": 460, "kept": 60, "quarantined": 0, "merged": 0, "left_out": 0, "passed_over": 400}
    assert metrics["records"] == metrics["sources"]["coco"]["records"] == counts
    kinds = {"crowd": 100, "no joints": 100, "other category": 200}
    quality = json.loads((tmp_path / "report/quality.json").read_text())
    for told in (metrics["sources"]["coco"], quality):
        assert told["passed_over"] == kinds and told["other_categories"] == {"ball": 100, "dog": 100}
    page = " ".join((tmp_path / "report/quality.html").read_text().split())
    assert "460 = 60 kept + 0 quarantined + 0 merged + 400 passed over" in page
    assert 'passed over: other category</td><td class="n">200</td><td>not a person: ball 100, dog 100' in page


def test_the_share_of_bad_records_is_that_of_the_people_and_pictures(tmp_path: Path, fetched: Path) -> None:
    path = small_set(tmp_path)
    annotation("bbox", [1, 2])(path)
    others = [{"id": 900 + number, "category_id": 2} for number in range(5000)]
    edit(path, lambda d: d.update(categories=[*d["categories"], {"id": 2, "name": "ball"}]))
    edit(path, lambda d: d["annotations"].extend(others))
    with pytest.raises(InputError, match="1 of 60 records are bad"):
        run(own(path, max_bad_share=0.01), fetched=fetched, out=tmp_path / "out", report=tmp_path / "report")


def test_a_set_of_crowds_alone_is_refused_as_that(tmp_path: Path, fetched: Path) -> None:
    path = small_set(tmp_path)
    edit(path, lambda d: [record.update(iscrowd=1) for record in d["annotations"]])
    with pytest.raises(InputError, match=r"nobody can be learnt from.*passed over: 30 crowd"):
        run(own(path), fetched=fetched, out=tmp_path / "out", report=tmp_path / "report")


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
    annotations[5]["keypoints"][next(i for i in range(0, 51, 3) if annotations[5]["keypoints"][i + 2])] = float("nan")
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
