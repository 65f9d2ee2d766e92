"""The stage itself with real Blender: determinism, resuming, and truth against independent references."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml

from dataengine.blender.batch.fingerprint import render_fingerprint
from dataengine.blender.batch.labels import LABELS
from dataengine.blender.batch.missing import make_missing
from dataengine.blender.batch.workforce import Outcome
from dataengine.blender.render import run
from dataengine.blender.scene.params import RenderParams
from dataengine.blender.workers.job import Job
from dataengine.boxes import box_from_keypoints
from dataengine.coco_json import read_people
from dataengine.errors import EnvironmentFault, InputError
from dataengine.geometry.pixel_grid import pixel_of
from dataengine.person_scale import area_of_joints, person_area, scale_counts

pytestmark = pytest.mark.bpy


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory, small_params: RenderParams, body_cache: Path) -> Iterator[Path]:
    """The set as two workers make it."""
    out = tmp_path_factory.mktemp("render") / "render"
    run(replace(small_params, workers=2), out=out, cache=body_cache)
    yield out


def test_an_interrupted_run_goes_on_and_gives_the_same_set(
    rendered: Path, small_params: RenderParams, body_cache: Path, tmp_path: Path
) -> None:
    out, params = tmp_path / "render", tmp_path / "params.yaml"
    params.write_text(yaml.safe_dump({"render": asdict(small_params)}))
    command = [sys.executable, "-m", "dataengine", "render", "--out", str(out)]
    command += ["--cache", str(body_cache), "--params", str(params)]
    interrupted = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    _wait_for(lambda: len(list(out.glob("sidecars/*.json"))) >= 1)
    interrupted.send_signal(signal.SIGINT)
    _, message = interrupted.communicate(timeout=60)
    assert interrupted.returncode == 128 + signal.SIGINT
    assert "run it again to resume" in message
    kept = {path.name: path.stat().st_mtime_ns for path in out.glob("sidecars/*.json")}
    assert 1 <= len(kept) < small_params.images

    run(small_params, out=out, cache=body_cache)
    assert all((out / "sidecars" / name).stat().st_mtime_ns == written for name, written in kept.items())
    assert (out / "people.json").read_bytes() == (rendered / "people.json").read_bytes()
    assert _pixels(out) == _pixels(rendered)


def test_a_corrupt_image_and_a_leftover_are_mended(
    rendered: Path, small_params: RenderParams, body_cache: Path
) -> None:
    expected = _pixels(rendered)
    (rendered / "images" / "000001.png").write_bytes(b"half a picture")
    (rendered / "images" / ".000003.77.partial.png").write_bytes(b"")
    run(replace(small_params, workers=2), out=rendered, cache=body_cache)
    assert _pixels(rendered) == expected


def test_pycocotools_loads_the_set_and_masks_agree(rendered: Path, small_params: RenderParams) -> None:
    from pycocotools.coco import COCO

    coco = COCO(str(rendered / "people.json"))
    assert len(coco.imgs) == small_params.images
    assert coco.anns
    for annotation in coco.anns.values():
        mask = coco.annToMask(annotation)
        rows, columns = np.nonzero(mask)
        box = [columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1]
        assert annotation["area"] == mask.sum()
        np.testing.assert_allclose(annotation["bbox"], box)
        assert annotation["source"] == "synthetic"


def test_rendered_people_are_judged_as_leniently_as_people_whose_box_is_drawn(rendered: Path) -> None:
    """A mask covers about the share of the joints' extent that stands for it elsewhere, and so does its box."""
    people, _ = read_people(rendered / "people.json")
    assert scale_counts(people) == {"mask": len(people)}
    whole = people.take((people.visibility > 0).sum(axis=1) >= 15)
    assert len(whole) >= 3
    by_joints = area_of_joints(whole.keypoints_px, whole.visibility)
    assert 0.6 < np.median(person_area(whole) / by_joints) < 1.6  # 1.03 on the 228 people of the default run
    drawn = box_from_keypoints(whole.keypoints_px, whole.visibility)
    assert 0.85 < np.median(np.sqrt((whole.bbox_xywh_px / drawn)[:, 2:].prod(axis=1))) < 1.2


@pytest.mark.slow
@pytest.mark.usefixtures("fiftyone_turn")
def test_fiftyone_imports_the_set_as_it_is(rendered: Path, small_params: RenderParams, tmp_path: Path) -> None:
    if importlib.util.find_spec("fiftyone") is None:  # importing it here would take seconds
        pytest.skip("FiftyOne is not installed")
    environment = {**os.environ, "FIFTYONE_DATABASE_DIR": str(tmp_path / "mongo"), "FIFTYONE_DO_NOT_TRACK": "true"}
    environment |= {"FIFTYONE_DATABASE_VALIDATION": "false"}
    environment.pop("FIFTYONE_DATABASE_URI", None)
    script = Path(__file__).with_name("fiftyone_import.py")
    command = [sys.executable, str(script), str(rendered)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    (answer,) = (line for line in done.stdout.splitlines() if line.startswith("ANSWER "))
    seen = json.loads(answer.removeprefix("ANSWER "))

    assert sorted(seen) == [f"{index:06d}.png" for index in range(small_params.images)]
    size = np.array([small_params.width_px, small_params.height_px])
    people: dict[str, list[dict[str, Any]]] = {name: [] for name in seen}
    for annotation in _annotations(rendered):
        people[f"{annotation['image_id']:06d}.png"].append(annotation)
    for name, annotations in people.items():
        assert len(seen[name]["points"]) == len(seen[name]["areas"]) == len(annotations)
        for row, annotation in enumerate(annotations):
            expected = np.array(annotation["keypoints"]).reshape(17, 3)
            points = np.array(seen[name]["points"][row]) * size
            labelled = expected[:, 2] > 0
            assert np.isnan(points[~labelled]).all()
            np.testing.assert_allclose(points[labelled], expected[labelled, :2], atol=1e-3)
            np.testing.assert_allclose(np.array(seen[name]["boxes"][row]) * [*size, *size], annotation["bbox"])
            assert seen[name]["areas"][row] == annotation["area"]


def test_keypoints_are_the_projected_joints(rendered: Path, small_params: RenderParams) -> None:
    size = np.array([small_params.width_px, small_params.height_px])
    for annotation in _annotations(rendered):
        points = np.array(annotation["keypoints"]).reshape(17, 3)
        projected = np.array(annotation["keypoints_cam_m"]) @ np.array(annotation["K"]).T
        pixels = projected[:, :2] / projected[:, 2:]
        labelled = points[:, 2] > 0
        np.testing.assert_allclose(points[labelled, :2], pixels[labelled], atol=0.02)
        before = projected[:, 2] > 0
        assert labelled.tolist() == (before & (pixels >= -0.5).all(axis=1) & (pixels < size - 0.5).all(axis=1)).tolist()


def test_visible_joints_lie_on_the_person(rendered: Path) -> None:
    """A joint is inside the body, so its pixel belongs to the person's own mask where it is visible."""
    from pycocotools import mask as coco_mask

    on_mask = []
    for annotation in _annotations(rendered):
        mask = cv2.dilate(coco_mask.decode(annotation["segmentation"]), np.ones((3, 3), np.uint8))
        points = np.array(annotation["keypoints"]).reshape(17, 3)
        for x, y in pixel_of(points[points[:, 2] == 2, :2]):
            on_mask.append(mask[y, x])
    assert len(on_mask) > 20
    assert np.mean(on_mask) > 0.97


@pytest.mark.usefixtures("blenders_python")
def test_other_params_have_another_fingerprint(small_params: RenderParams) -> None:
    same = replace(small_params, images=900, workers=9, max_skipped_share=0.5)
    assert render_fingerprint(small_params) == render_fingerprint(same)
    assert render_fingerprint(small_params) != render_fingerprint(replace(small_params, samples=3))


def test_too_many_failures_are_an_error_with_the_reason(
    small_params: RenderParams, body_cache: Path, tmp_path: Path
) -> None:
    """A picture behind the people that broke after the run had looked at the folder."""
    photographs = tmp_path / "photographs"
    photographs.mkdir()
    (photographs / "broken.jpg").write_bytes(b"no picture")
    params = replace(small_params, images=2, backgrounds=str(photographs), background_share=1.0)
    with pytest.raises(InputError, match=r"2 of 2 images could not be rendered.*broken\.jpg"):
        run(params, out=tmp_path / "render", cache=body_cache)
    assert [row["index"] for row in json.loads((tmp_path / "render" / "skipped.json").read_text())] == [0, 1]


@pytest.mark.usefixtures("blenders_python")
def test_old_labels_never_lie_beside_new_pictures(small_params: RenderParams, tmp_path: Path) -> None:
    """Two sets of other params in one folder, the second of which is stopped by a fault after its first image."""

    def make(mark: str, count: int, fails_from: int = 99) -> Outcome:
        return _make_marked(small_params, tmp_path, mark, count, fails_from)

    make("A", 4)
    labels = tmp_path / "people.json"
    labels.write_text("labels of A")
    make("A", 4)
    make("A", 6)
    assert labels.read_text() == "labels of A", "its pictures are as they were"
    with pytest.raises(EnvironmentFault, match="no more"):
        make("B", 6, fails_from=1)
    assert (tmp_path / "images/000000.png").read_text() == "B 0" and not labels.exists()
    make("B", 6)
    labels.write_text("labels of B")
    make("B", 5)
    assert not labels.exists(), "one of its pictures is gone"


@pytest.mark.usefixtures("blenders_python")
def test_pictures_of_others_are_not_touched(small_params: RenderParams, tmp_path: Path) -> None:
    photograph = tmp_path / "images/000007.png"
    photograph.parent.mkdir()
    photograph.write_text("a holiday")
    with pytest.raises(InputError, match=r"holds other images: got 000007\.png; choose another --out"):
        _make_marked(small_params, tmp_path, "A", 2)
    assert photograph.read_text() == "a holiday"
    photograph.unlink()
    _make_marked(small_params, tmp_path, "A", 2)
    (tmp_path / "images/beach").mkdir()
    (tmp_path / "images/IMG_1.jpg").write_text("another")
    _make_marked(small_params, tmp_path, "A", 1)
    assert {path.name for path in (tmp_path / "images").iterdir()} == {"000000.png", "IMG_1.jpg", "beach"}


@pytest.mark.usefixtures("blenders_python")
def test_a_folder_that_cannot_be_written_is_found_before_anything_is_made(
    small_params: RenderParams, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(EnvironmentFault, match=r"cannot write to .*file.*choose another folder"):
        run(small_params, out=tmp_path / "file" / "render", cache=tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def _make_marked(params: RenderParams, out: Path, mark: str, count: int, fails_from: int = 99) -> Outcome:
    """Have images made that say who made them."""
    job = Job("worker_makers:Marking", {"out": out, "mark": mark, "fails_from": fails_from})
    return make_missing(params, out, job, mark, count, LABELS, search=(Path(__file__).with_name("workers"),))


def _annotations(out: Path) -> list[dict[str, Any]]:
    annotations: list[dict[str, Any]] = json.loads((out / "people.json").read_text())["annotations"]
    return annotations


def _pixels(out: Path) -> dict[str, bytes]:
    return {path.name: cv2.imread(str(path)).tobytes() for path in sorted(out.glob("images/*.png"))}


def _wait_for(condition: Any, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "nothing happened in time"
        time.sleep(0.1)
