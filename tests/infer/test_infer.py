"""The command on a film that is made here: what it writes, file by file, and how it ends when something goes wrong."""

import json
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from pycocotools.coco import COCO

from dataengine.cli import main
from dataengine.coco_json import read_people, write_people
from dataengine.errors import EnvironmentFault, InputError, ParamsError
from dataengine.films.coco_lines import annotation_records
from dataengine.infer import detecting
from dataengine.infer.infer import run
from dataengine.infer.lines import THREAD_NAME
from dataengine.inference.running.predict import load_runner, predict_people
from dataengine.people import JOINT_CONFIDENCE, Images, People
from dataengine.pictures.encoding import write_picture
from dataengine.video.decoding import iter_frames

from ..helpers.clips import turned
from ..train.film.made_film import blocks, film
from .made import Blocks, random_network

COUNT = 22


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    random_network(folder / "net")
    film(folder / "walk.mp4", COUNT)
    return folder


@pytest.fixture(autouse=True)
def block_detector(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    def use(act: Any) -> None:
        monkeypatch.setattr(detecting, "BlazePoseDetector", lambda models, every, threads: Blocks(every, act))

    use(None)
    return use


def test_a_film_is_answered_frame_by_frame(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    summary = run(made / "net", str(made / "walk.mp4"), tmp_path / "out", detect_every=5)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["overlay.mp4", "people.json", "summary.json"]
    people, images = read_people(tmp_path / "out/people.json")
    assert images.frame.tolist() == list(range(COUNT)) and len(people) == summary["people"] >= COUNT
    assert len(set(people.track_id.tolist())) == summary["tracks"]
    found = people.bbox_xywh_px[people.image_id == 16][0]
    np.testing.assert_allclose(found, [*blocks(15)[0], 24, 40], atol=2)  # the detector was asked there
    coco = COCO(str(tmp_path / "out/people.json"))
    assert len(coco.getAnnIds()) == len(people) and len(coco.getImgIds()) == COUNT
    shown, expected = (list(iter_frames(path)) for path in (tmp_path / "out/overlay.mp4", made / "walk.mp4"))
    np.testing.assert_allclose([f.pts_s for f in shown], [f.pts_s for f in expected], atol=0.002)
    assert min(np.ptp(frame.image_bgr.astype(int), axis=2).max() for frame in shown) > 60, "colours on black and white"
    written = json.loads((tmp_path / "out/summary.json").read_text())
    assert written == summary and {"decode", "detect", "estimate", "write"} <= written["step_ms"].keys()
    assert "22 pictures" in capsys.readouterr().out


def test_joints_are_those_of_the_same_boxes_in_pictures(made: Path, tmp_path: Path) -> None:
    run(made / "net", str(made / "walk.mp4"), tmp_path / "out", overlay=False)
    people, images = read_people(tmp_path / "out/people.json")
    paths = []
    for frame in iter_frames(made / "walk.mp4"):
        paths.append(str(tmp_path / f"{frame.index}.png"))
        cv2.imwrite(paths[-1], frame.image_bgr)
    runner, meta = load_runner(made / "net")
    again = predict_people(runner, meta, people, images.replace(path=paths))
    np.testing.assert_allclose(people.keypoints_px, again.keypoints_px, atol=0.02)
    np.testing.assert_allclose(np.array(people.extras[JOINT_CONFIDENCE].tolist()), again.confidence, atol=1e-3)
    np.testing.assert_allclose(people.score, again.scores(people.bbox_xywh_px), atol=1e-3)


def test_the_same_film_gives_the_same_bytes(made: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        run(made / "net", str(made / "walk.mp4"), tmp_path / name, detect_every=4, overlay=False)
    assert (tmp_path / "one/people.json").read_bytes() == (tmp_path / "two/people.json").read_bytes()


def test_a_turned_film_is_answered_as_players_show_it(made: Path, tmp_path: Path) -> None:
    run(made / "net", str(turned(made / "walk.mp4", 1)), tmp_path, overlay=False)
    _, images = read_people(tmp_path / "people.json")
    assert set(zip(images.width.tolist(), images.height.tolist(), strict=True)) == {(120, 160)}


def test_a_film_with_nobody_in_it(made: Path, tmp_path: Path) -> None:
    summary = run(made / "net", str(film(tmp_path / "empty.mp4", 9, people=False)), tmp_path / "out")
    people, images = read_people(tmp_path / "out/people.json")
    assert (summary["people"], len(people), len(images)) == (0, 0, 9)
    assert len(list(iter_frames(tmp_path / "out/overlay.mp4"))) == 9


def test_pictures_are_answered_by_themselves_and_a_broken_one_is_left_out(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = np.zeros((120, 160, 3), np.uint8)
    image[20:60, 30:54] = 255
    for name in ("b.png", "deep/c.jpg"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        write_picture(tmp_path / "in" / name, image)
    (tmp_path / "in/a.jpg").write_bytes(b"no picture")
    (tmp_path / "in/notes.txt").write_text("no picture, and not taken for one")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/overlay.mp4").touch()  # an earlier run's, of a film
    summary = run(made / "net", str(tmp_path / "in"), tmp_path / "out")
    assert (summary["pictures"], summary["people"], len(summary["refused"]), summary["tracks"]) == (2, 2, 1, 0)
    people, images = read_people(tmp_path / "out/people.json")
    assert [Path(path).name for path in images.path] == ["b.png", "c.jpg"] and (people.track_id == -1).all()
    assert sorted(p.name for p in (tmp_path / "out/overlay").rglob("*.jpg")) == ["b.png.jpg", "c.jpg.jpg"]
    said = capsys.readouterr()
    assert "a.jpg cannot be used" in said.err and "it is left out" in said.err and "stage" not in said.err
    assert "out/overlay, " in said.out and "overlay.mp4" not in said.out
    (only,) = [run(made / "net", str(tmp_path / "in/b.png"), tmp_path / "one")]
    assert (only["pictures"], only["people"]) == (1, 1)
    assert "b.png: 1 picture, 1 person, " in capsys.readouterr().out
    with pytest.raises(InputError, match="its picture cannot be read"):
        run(made / "net", str(tmp_path / "in/a.jpg"), tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_boxes_of_a_file_are_taken_as_they_are(made: Path, tmp_path: Path) -> None:
    frames = np.arange(0, COUNT, 3)
    images = Images.build(
        id=frames, path=[f"{f}.jpg" for f in frames], width=160, height=120, video="walk", frame=frames
    )
    boxes = np.array([[*blocks(int(frame))[0], 24, 40] for frame in frames], dtype=np.float32)
    nothing: dict[str, Any] = {"keypoints_px": np.zeros((8, 17, 2)), "visibility": np.zeros((8, 17))}
    given = People.build(image_id=frames, bbox_xywh_px=boxes, **nothing)
    write_people(tmp_path / "boxes.json", given, images.replace(path=[str(tmp_path / p) for p in images.path]))
    run(made / "net", str(made / "walk.mp4"), tmp_path / "out", boxes=tmp_path / "boxes.json", overlay=False)
    other = images.replace(path=[str(tmp_path / p) for p in images.path], video="walk-sha00000000")
    write_people(tmp_path / "other.json", given, other)
    with pytest.raises(InputError, match=r"other\.json has the boxes of another film: expected walk-sha"):
        run(made / "net", str(made / "walk.mp4"), tmp_path / "out", boxes=tmp_path / "other.json")
    people, _ = read_people(tmp_path / "out/people.json")
    np.testing.assert_array_equal(people.bbox_xywh_px, boxes)
    assert people.image_id.tolist() == (frames + 1).tolist() and set(people.track_id.tolist()) == {0}
    (tmp_path / "in").mkdir()
    for name in ("0.jpg", "3.jpg", "other.jpg"):
        write_picture(tmp_path / "in" / name, np.full((120, 160, 3), 9, np.uint8))
    run(made / "net", str(tmp_path / "in"), tmp_path / "out", boxes=tmp_path / "boxes.json", overlay=False)
    people, images = read_people(tmp_path / "out/people.json")
    np.testing.assert_array_equal(people.bbox_xywh_px, boxes[:2])
    (tmp_path / "elsewhere").mkdir()
    write_picture(tmp_path / "elsewhere/x.jpg", np.zeros((9, 9, 3), np.uint8))
    with pytest.raises(InputError, match="names none of the pictures"):
        run(made / "net", str(tmp_path / "elsewhere"), tmp_path / "out", boxes=tmp_path / "boxes.json")


@pytest.mark.parametrize(
    ("model", "source", "match"),
    [
        ("net", "missing.mp4", r"missing\.mp4 does not exist: expected a film, a picture"),
        ("net", "empty", "has no picture"),
        ("net", "text.mp4", r"text\.mp4"),
        ("nowhere", "walk.mp4", r"nowhere is not a model.*nothing there"),
        ("empty", "walk.mp4", r"empty is not a model.*no model\.json"),
        ("walk.mp4", "walk.mp4", r"walk\.mp4 is not a model.*a lone file"),
    ],
)
def test_what_is_wrong_is_one_line_and_nothing_is_written(
    made: Path, tmp_path: Path, model: str, source: str, match: str
) -> None:
    (made / "empty").mkdir(exist_ok=True)
    (made / "text.mp4").write_text("no film")
    with pytest.raises(InputError, match=match) as raised:
        run(made / model, str(made / source), tmp_path / "out")
    assert "\n" not in str(raised.value) and not (tmp_path / "out").exists()


def test_a_camera_that_is_not_there_is_one_line(made: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main(["infer", str(made / "net"), "97", "--out", "nothing"])
    assert raised.value.code == 2
    assert capfd.readouterr().err.splitlines() == [
        "dataengine: error: camera 97 does not open; plug it in, or give another number, a film or a folder"
    ]


def test_a_place_that_cannot_be_written_is_one_line(made: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(EnvironmentFault, match=r"cannot write .*file/out"):
        run(made / "net", str(made / "walk.mp4"), tmp_path / "file/out")
    with pytest.raises(ParamsError, match="--detect-every"):
        run(made / "net", str(made / "walk.mp4"), tmp_path / "out", detect_every=0)


def test_a_fault_in_a_thread_ends_all_and_leaves_what_was_there(
    made: Path, tmp_path: Path, block_detector: Callable[[Any], None]
) -> None:
    def fail(index: int) -> None:
        if index == 10:
            raise InputError("the detector broke")

    block_detector(fail)
    (tmp_path / "people.json").write_text("of before")
    with pytest.raises(InputError, match="the detector broke"):
        run(made / "net", str(made / "walk.mp4"), tmp_path, detect_every=5)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("people.json", "of before")]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith(THREAD_NAME)]


def test_ctrl_c_ends_with_what_was_read_whole(
    made: Path, tmp_path: Path, block_detector: Callable[[Any], None]
) -> None:
    def interrupt(index: int) -> None:
        if index == 5:
            os.kill(os.getpid(), signal.SIGINT)

    block_detector(interrupt)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(SystemExit) as raised:
        main(["infer", str(made / "net"), str(made / "walk.mp4"), "--out", str(tmp_path), "--detect-every", "5"])
    assert raised.value.code == 130 and signal.getsignal(signal.SIGINT) is before
    _, images = read_people(tmp_path / "people.json")
    assert 6 <= len(images) <= COUNT and images.frame.tolist() == list(range(len(images)))
    assert len(list(iter_frames(tmp_path / "overlay.mp4"))) == len(images)
    assert json.loads((tmp_path / "summary.json").read_text())["stopped"] is True
    assert len(list(annotation_records(tmp_path / "people.json"))) >= 6
    assert json.loads((tmp_path / "people.json").read_text())["info"]["stopped"] is True


def test_a_folder_without_a_name_is_refused(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main(["infer", str(made / "net"), str(made / "walk.mp4"), "--out", ""])
    assert raised.value.code == 2
    assert "a folder to write has no name" in capsys.readouterr().err
