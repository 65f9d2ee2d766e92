"""A model in three lines: paths, arrays and many pictures; and all that can be named as a model."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import dataengine
from dataengine import load_model
from dataengine.errors import EnvironmentFault, InputError
from dataengine.infer import api
from dataengine.infer.models import open_model
from dataengine.inference.exported import ONNX_FP32, file_record, write_sidecar
from dataengine.inference.running.predict import load_runner, predict_people
from dataengine.nets.checkpoint import load_checkpoint
from dataengine.people import Images, People
from dataengine.pictures.reading.decoding import read_picture
from dataengine.train.deploy.onnx_files import write_fp32

from ..helpers.dots.dot_networks import adopted_dot_network
from ..helpers.dots.dotted_people import draw_dotted_people
from .made import META, Blocks, random_network


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[People, Images]:
    return draw_dotted_people(tmp_path_factory.mktemp("drawn"), 3)


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_network(tmp_path_factory.mktemp("api") / "net")


def test_joints_are_where_they_were_drawn(drawn: tuple[People, Images], tmp_path: Path) -> None:
    people, images = drawn
    model = load_model(adopted_dot_network(tmp_path / "net"))
    for row, path in enumerate(images.path.tolist()):
        mine = people.image_id == images.id[row]
        found = model(path, boxes_xywh_px=people.bbox_xywh_px[mine])
        np.testing.assert_allclose(found.keypoints_px, people.keypoints_px[mine], atol=2)
        assert (len(found), found.confidence.shape, set(found.track_id.tolist())) == (
            mine.sum(),
            (mine.sum(), 17),
            {-1},
        )


def test_a_path_and_its_rgb_pixels_are_the_same_and_bgr_is_not(drawn: tuple[People, Images], net: Path) -> None:
    people, images = drawn
    path, boxes = str(images.path[0]), people.bbox_xywh_px[people.image_id == images.id[0]]
    model = load_model(str(net))
    bgr = read_picture(path)
    answers = [model(each, boxes_xywh_px=boxes).keypoints_px for each in (path, Path(path), bgr[..., ::-1], bgr)]
    np.testing.assert_array_equal(answers[0], answers[1])
    np.testing.assert_array_equal(answers[0], answers[2])
    assert np.abs(answers[0] - answers[3]).max() > 1e-3
    mine = people.take(people.image_id == images.id[0])
    runner, meta = load_runner(net)
    np.testing.assert_allclose(answers[0], predict_people(runner, meta, mine, images).keypoints_px, atol=1e-3)


def test_many_pictures_are_answered_as_they_are_asked_for(net: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "BlazePoseDetector", lambda models, every: Blocks(every))
    image, read = np.zeros((120, 160, 3), np.uint8), []
    image[20:60, 30:54] = 255

    def pictures() -> Iterator[np.ndarray]:
        for number, picture in enumerate([image, np.zeros_like(image), image]):
            read.append(number)
            yield picture

    answers = load_model(net)(pictures())
    assert not read
    assert [len(poses) for poses in answers] == [1, 0, 1]
    first = load_model(net)(image)
    np.testing.assert_array_equal(first.bbox_xywh_px, [[30, 20, 24, 40]])


def test_what_is_no_picture_is_refused(net: Path, tmp_path: Path) -> None:
    model = load_model(net, fetched=tmp_path)
    for array in (
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 3)),
        np.zeros((3, 4, 4), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
    ):
        with pytest.raises(InputError, match="channels R, G, B"):
            model(array)
    with pytest.raises(InputError, match="does not exist"):
        model("missing.jpg", boxes_xywh_px=[[0, 0, 1, 1]])
    (tmp_path / "walk.MP4").write_bytes(b"....ftypisom")
    for given, kind in ((tmp_path / "walk.MP4", "a film"), (str(tmp_path), "a folder")):
        with pytest.raises(InputError, match=f"got {kind}; `dataengine infer {net} {given} --out FOLDER`"):
            model(given)
    with pytest.raises(InputError, match="got a film"):
        next(model([tmp_path / "walk.MP4"]))
    with pytest.raises(InputError, match="a box is empty"):
        model(np.zeros((4, 4, 3), np.uint8), boxes_xywh_px=[[0, 0, 0, 1]])
    for boxes in ([[1, 2, 3]], [[[1, 2]]], [["a"] * 4], [[np.nan, 0, 1, 1]], [[0, 0, np.inf, 1]], [[0, 0, 1e30, 1]]):
        with pytest.raises(InputError, match=r"\(n, 4\) numbers"):
            model(np.zeros((4, 4, 3), np.uint8), boxes_xywh_px=boxes)
    for wrong in (None, b"a.jpg", 3):
        with pytest.raises(InputError, match="this is not a picture"):
            model(wrong)  # type: ignore[call-overload]
    with pytest.raises(InputError, match="this is not a picture"):
        next(model([3]))  # type: ignore[list-item]
    with pytest.raises(InputError, match="boxes are those of one picture"):
        model(["a.jpg"], boxes_xywh_px=[[0, 0, 1, 1]])
    with pytest.raises(InputError, match="dataengine fetch"):
        model(np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(AttributeError, match="load_models"):
        dataengine.load_models  # noqa: B018


def test_an_export_and_its_file_answer_as_the_checkpoint(net: Path, tmp_path: Path) -> None:
    network, _ = load_checkpoint(net)
    write_fp32(network, META, tmp_path / ONNX_FP32)
    write_sidecar(tmp_path, META, {ONNX_FP32: file_record(tmp_path / ONNX_FP32)}, {})
    image = np.random.default_rng(0).integers(0, 255, (90, 120, 3), dtype=np.uint8)
    boxes = [[5, 5, 60, 80], [30, 10, 50, 50]]
    expected = load_model(net)(image, boxes_xywh_px=boxes)
    for path in (tmp_path, tmp_path / ONNX_FP32):
        found = load_model(path, device="cpu")(image, boxes_xywh_px=boxes)
        np.testing.assert_allclose(found.keypoints_px, expected.keypoints_px, atol=0.05)
    with pytest.raises(EnvironmentFault, match="is run on the CPU"):
        open_model(tmp_path / ONNX_FP32, "cuda")
    (tmp_path / "other.onnx").write_bytes(b"")
    with pytest.raises(InputError, match="not a file of the export"):
        open_model(tmp_path / "other.onnx")
    (tmp_path / ONNX_FP32).write_bytes(b"changed")
    with pytest.raises(InputError, match="is not the file that was exported"):
        open_model(tmp_path)


def test_importing_the_package_stays_light() -> None:
    heavy = "import dataengine, sys; sys.exit(any(name in sys.modules for name in ('torch', 'cv2', 'numpy')))"
    assert subprocess.run([sys.executable, "-c", heavy], check=False).returncode == 0


def test_a_picture_that_cannot_be_read_speaks_of_no_stage(net: Path, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"a\.jpg cannot be used") as raised:
        load_model(net)(tmp_path / "a.jpg")
    assert "stage" not in str(raised.value)
