"""The stage pseudo-label with a BlazePose whose answers are set."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from dataengine.blazepose import Landmarks, Roi, in_images
from dataengine.boxes import box_from_keypoints
from dataengine.coco_json import read_people, write_people
from dataengine.errors import InputError
from dataengine.nets.checkpoint import ModelMeta, save_checkpoint
from dataengine.people import Images, People
from dataengine.person_scale import area_of_joints
from dataengine.train import pseudo_label
from dataengine.train.health.meanings import JOINTS_MEAN, PEOPLE_MEAN
from dataengine.train.trust.rule import read_trust

from ..helpers.held_out import held_out_file
from ..helpers.label_files import labelled
from .pseudo.judged import PARAMS


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pool of four frames, a network of random weights, and a BlazePose that sees one sure and one unsure person."""
    monkeypatch.chdir(tmp_path)
    ids = np.arange(1, 5)
    Path("images").mkdir()
    for i in ids:
        picture = np.random.default_rng(int(i)).integers(0, 255, (120, 200, 3), dtype=np.uint8)
        cv2.imwrite(f"images/{i}.png", picture)
    paths = [f"images/{i}.png" for i in ids]
    images = Images.build(id=ids, path=paths, width=200, height=120, video="clip", frame=ids * 3)
    write_people(Path("pool.json"), People.empty(), images)
    meta = ModelMeta("residual-simcc", {"channels": [8, 8], "blocks": [1, 1]}, input_width_px=32, input_height_px=32)
    torch.manual_seed(0)
    save_checkpoint(Path("teacher"), meta.build(), meta)

    class Told:
        def __init__(self, model_folder: Path) -> None:
            assert model_folder == Path("fetch/mediapipe")

        def detect(self, image: np.ndarray) -> list[object]:
            left, right = Roi(50, 60, 80, 0.0), Roi(150, 60, 80, 0.0)
            return [type("Seen", (), {"roi": roi}) for roi in (left, right)]

        def landmarks(self, image: np.ndarray, roi: Roi) -> Landmarks:
            column, line = np.arange(17) % 4, np.arange(17) // 4
            offset = np.stack([column * 14.0 - 21, line * 20.0 - 40], axis=1)
            confidence = 0.9 if roi.center_x_px < 100 else 0.2
            points = (offset + np.array([roi.center_x_px, roi.center_y_px])).astype(np.float32)
            return Landmarks(points, np.full(17, confidence, np.float32), 0.9, roi)

    monkeypatch.setattr(in_images, "BlazePose", Told)
    monkeypatch.setattr(in_images, "mirrored_answer", lambda pose, image, roi: pose.landmarks(image, roi).keypoints_px)
    return tmp_path


def test_the_stage_writes_who_was_kept_who_was_not_and_why(project: Path) -> None:
    metrics = pseudo_label.run(
        replace(PARAMS, fitted_confidence=1.0),
        pool=Path("pool.json"),
        fetched=Path("fetch"),
        teacher=Path("teacher"),
        out=Path("out"),
        report=Path("report"),
    )
    people, images = read_people(Path("out/people.json"), root=project)
    candidates, _ = read_people(Path("out/candidates.json"), root=project)
    assert len(candidates) == 8
    assert len(people) == 4
    assert (people.bbox_xywh_px[:, 0] < 100).all()
    assert (people.source == "pseudo").all()
    assert (people.weight == 1).all()
    assert np.array(people.extras["joint_weight"].tolist()) == pytest.approx((people.visibility > 0) * 0.5)
    assert len(set(people.track_id.tolist())) == 1
    assert candidates.weight[~candidates.extras["kept"]].tolist() == [0.0] * 4
    assert candidates.extras["reasons"][1] == ["unsure"] * 17
    assert np.shape(candidates.extras["blazepose"][0]) == np.shape(candidates.extras["fitted"][0]) == (17, 3)
    assert json.loads(Path("report/metrics.json").read_text()) == metrics
    assert (metrics["people_found"], metrics["people_kept"]) == (8, 4)
    for name in ("joint_share", "vouched_share", "learned_vouched_share"):
        assert sum(metrics[name].values()) == pytest.approx(1, abs=1e-3)
    assert metrics["vouched_share"] == pytest.approx(
        {"both": 0, "blazepose_alone": 0.5, "fitted_alone": 0, "disputed": 0, "nobody": 0.5}
    )
    assert metrics["learned_vouched_share"]["blazepose_alone"] == 1 and metrics["mean_trust"] == 0.5
    assert cv2.imread("report/sheet.jpg") is not None
    page = Path("report/health.html").read_text(encoding="utf-8")
    assert page.count("<figure>") == 48 + 48 and "Nobody measured it: no --val is given" in page
    for reason in (*metrics["joint_share"], *metrics["people_dropped"]):  # each is said in words, not only named
        assert {**JOINTS_MEAN, **PEOPLE_MEAN}[reason] in page
    assert "Share of each joint that is accepted" in page and "what an accepted joint weighs" in page
    assert (
        page.count(", trust 0.50</figcaption>") == 48
        and page.count(", unsure</figcaption>") == 48
        and "http" not in page
    )
    assert len(images) == 4
    assert people.extras["area"] == pytest.approx(area_of_joints(people.keypoints_px, people.visibility), rel=1e-5)


@pytest.mark.parametrize("scenes", [80, 20])
def test_validation_people_decide_where_they_suffice(
    project: Path, capfd: pytest.CaptureFixture[str], scenes: int
) -> None:
    """BlazePose knows where the people are; on the right of each picture its joints are off, and it says so.

    Of 80 scenes both people are labelled, where the left one is; so the sure joints are right, and the unsure wrong.
    """
    ids = np.arange(scenes)
    table = Images.build(
        id=ids, path=[f"images/{1 + i % 4}.png" for i in ids], width=200, height=120, group=[f"scene{i}" for i in ids]
    )
    column, line = np.arange(17) % 4, np.arange(17) // 4
    at = np.stack([column * 14.0 - 21, line * 20.0 - 40], axis=1) + 60
    left, right = at - np.array([10, 0]), at + np.array([90, 0])
    off = right + np.array([0, 25])
    points = np.stack([left, off] * scenes)
    people = People.build(
        image_id=np.repeat(ids, 2),
        bbox_xywh_px=box_from_keypoints(np.stack([left, right] * scenes), np.full((2 * scenes, 17), 2)),
        keypoints_px=points,
        visibility=np.full((2 * scenes, 17), 2),
    )
    write_people(Path("val.json"), people, table)
    paths: dict[str, Any] = {name: Path(name) for name in ("teacher", "out", "report")} | {"fetched": Path("fetch")}
    params = replace(PARAMS, fitted_confidence=1.0)
    metrics = pseudo_label.run(params, pool=Path("pool.json"), val=Path("val.json"), **paths)
    said = capfd.readouterr().err
    people, _ = read_people(Path("out/people.json"), root=project)
    assert len(people) == 4 and (people.bbox_xywh_px[:, 0] < 100).all()
    weights = np.array(people.extras["joint_weight"].tolist())[people.visibility > 0]
    if scenes == 80:
        assert metrics["trust"]["by"] == "validation people" and metrics["trust"]["groups"] == 80
        assert "learned on 160 labelled people in 80 groups" in said
        page = Path("report/health.html").read_text(encoding="utf-8")
        assert "learned on 160 labelled people in 80 groups" in page and "data:image/png;base64," in page
        assert '<td>all</td><td class="n">2720</td>' in page.replace("\n", "")
        assert (weights > 0.9).all() and len(read_trust(Path("out/trust.json")).teachers) == 2
    else:
        assert metrics["trust"]["by"] == "thresholds" and "20 groups" in metrics["trust"]["why"]
        assert "the thresholds of params.yaml" in said and not Path("out/trust.json").exists()
        assert weights == pytest.approx(0.5)


def test_a_frame_of_the_test_set_is_not_labelled(project: Path) -> None:
    _, images = read_people(Path("pool.json"))
    paths: dict[str, Any] = {name: Path(name) for name in ("teacher", "out", "report")} | {"fetched": Path("fetch")}
    held_out = held_out_file(Path(), images.take([2]).replace(video="", frame=-1))
    with pytest.raises(InputError, match=r"^pool\.json has pictures.*1 of test.*images/3\.png, the same file"):
        pseudo_label.run(PARAMS, pool=Path("pool.json"), **paths, held_out=held_out)
    assert not Path("out").exists()
    write_people(Path("pool.json"), People.empty(), images.take([0, 1, 3]))
    pseudo_label.run(PARAMS, pool=Path("pool.json"), **paths, held_out=held_out)


def test_frames_that_people_labelled_are_left_to_them(project: Path) -> None:
    """One with a person, one without, and one at another size; they still count as neighbours in time."""
    _, images = read_people(Path("pool.json"))
    everybody: dict[str, Any] = {"pool": Path("pool.json"), "fetched": Path("fetch"), "teacher": Path("teacher")}
    params = replace(PARAMS, fitted_confidence=1.0)
    before = pseudo_label.run(params, **everybody, out=Path("before"), report=Path("report"), labels=Path("nowhere"))
    assert before["frames_labelled_by_people"] == 0
    first = People.build(
        image_id=[1],
        bbox_xywh_px=[[5, 5, 90, 90]],
        keypoints_px=np.full((1, 17, 2), 50.0),
        visibility=np.full((1, 17), 2),
    )
    large = cv2.resize(cv2.imread("images/4.png"), (400, 240), interpolation=cv2.INTER_CUBIC)
    assert cv2.imwrite("large.png", large)
    table = images.take([3]).replace(path=["large.png"], width=400, height=240)
    labelled(first, Images.concat([images.take([0, 1]), table]))
    metrics = pseudo_label.run(params, **everybody, out=Path("out"), report=Path("report"), labels=Path("data/labels"))
    assert (metrics["frames_labelled_by_people"], metrics["frames"], metrics["people_found"]) == (3, 4, 2)
    for name in ("people", "candidates"):
        people, _ = read_people(Path(f"out/{name}.json"), root=project)
        same, _ = read_people(Path(f"before/{name}.json"), root=project)
        assert set(people.image_id.tolist()) == {3}
        expected = same.take(same.image_id == 3)
        assert people.keypoints_px.tolist() == expected.keypoints_px.tolist()
        assert people.track_id.tolist() == expected.track_id.tolist()


@pytest.mark.parametrize("frames", [0, 4])
def test_a_pool_with_nobody_in_it_gives_empty_files(
    project: Path, monkeypatch: pytest.MonkeyPatch, frames: int
) -> None:
    images = read_people(Path("pool.json"))[1].take(np.arange(frames))
    write_people(Path("pool.json"), People.empty(), images)
    monkeypatch.setattr(in_images.BlazePose, "detect", lambda self, image: [])
    metrics = pseudo_label.run(
        PARAMS,
        pool=Path("pool.json"),
        fetched=Path("fetch"),
        teacher=Path("teacher"),
        out=Path("out"),
        report=Path("report"),
    )
    assert (metrics["frames"], metrics["people_found"], metrics["people_kept"]) == (frames, 0, 0)
    assert json.loads(Path("report/metrics.json").read_text()) == metrics
    for name in ("people", "candidates"):
        people, left = read_people(Path(f"out/{name}.json"), root=project)
        assert len(people) == 0 and len(left) == frames
    assert cv2.imread("report/sheet.jpg") is not None


def test_a_mirrored_region_is_the_same_place(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    asked: list[Roi] = []

    class Center:
        def landmarks(self, image: np.ndarray, roi: Roi) -> Landmarks:
            asked.append(roi)
            points = np.tile([roi.center_x_px, roi.center_y_px], (17, 1))
            points[5, 0] += 3  # the left shoulder lies to the right
            return Landmarks(points.astype(np.float32), np.ones(17, np.float32), 1.0, roi)

    image = np.zeros((120, 200, 3), dtype=np.uint8)
    points = in_images.mirrored_answer(Center(), image, Roi(50, 60, 80, 0.3))  # type: ignore[arg-type]
    assert asked == [Roi(149, 60, 80, -0.3)]
    assert points[6].tolist() == [47, 60]  # 3 px to the right in the mirror is 3 px to the left, of the other shoulder
    assert points[5].tolist() == [50, 60]
