"""The bundle on this machine: what it holds, that its script answers as ours does, and that it refuses what changed."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import pytest
from PIL import Image

from dataengine.coco_json import read_people
from dataengine.crops.spec import crop_matrix, extract_crop
from dataengine.errors import InputError
from dataengine.inference.exported import ONNX_FP32, load_exported
from dataengine.inference.running.predict import onnx_runner, predict_crops
from dataengine.pictures.reading.decoding import read_picture
from dataengine.train.edge.bundle import run
from dataengine.train.edge.bundle_folder import DEVICE, joints_of, listed_files
from dataengine.train.edge.references import people_of

from ...helpers.drawn_people import draw_standing_people
from .made_bundle import META


def device(bundle: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Call the bundle's script."""
    return subprocess.run([sys.executable, str(bundle / "run.py"), *arguments], capture_output=True, text=True)


def test_every_file_is_listed_and_the_check_passes(bundled: Path) -> None:
    bundle = bundled / "bundle"
    lines = (bundle / "SHA256SUMS").read_text().splitlines()
    listed = {line[66:]: line[:64] for line in lines}
    there = {path.relative_to(bundle).as_posix() for path in bundle.rglob("*") if path.is_file()} - {"SHA256SUMS"}
    assert there == set(listed)
    for name, digest in listed.items():
        assert hashlib.sha256((bundle / name).read_bytes()).hexdigest() == digest
    done = device(bundle, "--check")
    assert done.returncode == 0, done.stderr
    assert [line.split(":")[0] for line in done.stdout.splitlines()[1:]] == ["fp32", "int8"]


def test_the_script_needs_nothing_of_this_project(bundled: Path) -> None:
    code = "import sys; sys.path.insert(0, sys.argv[1]); import run, build_engine; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, str(bundled / "bundle")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not {"dataengine", "torch", "cv2", "PIL", "onnx", "onnxruntime", "ai_edge_litert", "tvm_ffi"} & set(
        done.stdout.split()
    )


def test_joints_and_scores_are_those_of_our_own_prediction(bundled: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    image = cv2.GaussianBlur(rng.integers(0, 256, (120, 160, 3)).astype(np.uint8), (5, 5), 0).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "a.ppm"), image)
    boxes = np.array([[40.0, 30, 24, 32], [60, 40, 20.5, 25]])
    words = [word for box in boxes for word in ("--box", *map(str, box))]
    done = device(bundled / "bundle", str(tmp_path / "a.ppm"), *words)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    matrices = crop_matrix(boxes, META.crop)
    crops = np.stack([extract_crop(image, matrix, META.crop) for matrix in matrices])
    runner = onnx_runner(bundled / "export" / ONNX_FP32)
    wanted = predict_crops(runner, load_exported(bundled / "export").meta, crops, matrices)
    joints = joints_of(found)
    apart = np.linalg.norm(joints[..., :2] - wanted.keypoints_px, axis=2)
    assert np.median(apart) < 0.01
    np.testing.assert_allclose([each["score"] for each in found], wanted.scores(boxes), atol=0.01)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda folder: (folder / "pose_int8.onnx").write_bytes(b"x"), "pose_int8.onnx: expected sha256"),
        (lambda folder: (folder / "joints.onnx").unlink(), "joints.onnx: expected sha256"),
        (lambda folder: (folder / "sitecustomize.py").write_text("x"), "sitecustomize.py: expected only files"),
    ],
)
def test_a_changed_bundle_is_refused(bundled: Path, tmp_path: Path, change: Callable[[Path], Any], says: str) -> None:
    copy = shutil.copytree(bundled / "bundle", tmp_path / "bundle")
    change(copy)
    done = device(copy, "--check")
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            lambda folder: (folder / "pose_int8.onnx").write_bytes(b"x"),
            "pose_int8.onnx is not the file that SHA256SUMS",
        ),
        (lambda folder: (folder / "joints.onnx").unlink(), "does not list what lies in"),
        (lambda folder: (folder / "SHA256SUMS").write_bytes(b"\xff\xfe"), "does not list what lies in"),
        (lambda folder: (folder / "SHA256SUMS").open("a").write("0  ../../other\n"), "does not list what lies in"),
    ],
)
def test_a_changed_bundle_is_refused_before_anything_is_fetched(
    bundled: Path, tmp_path: Path, change: Callable[[Path], Any], says: str
) -> None:
    copy = shutil.copytree(bundled / "bundle", tmp_path / "bundle")
    (copy / "built").mkdir()
    (copy / "built" / "model.engine").write_text("made on the device")
    assert set(listed_files(copy)) == set(listed_files(bundled / "bundle"))
    change(copy)
    with pytest.raises(InputError) as raised:
        listed_files(copy)
    assert says in str(raised.value) and "copy the bundle again" in str(raised.value)


def test_another_network_under_the_same_checksums_is_refused(bundled: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(bundled / "bundle", tmp_path / "bundle")
    model = onnx.load(str(copy / "pose_int8.onnx"))
    for tensor in model.graph.initializer:
        weights = onnx.numpy_helper.to_array(tensor)
        if weights.dtype == np.int8 and weights.ndim == 4:
            tensor.CopyFrom(onnx.numpy_helper.from_array(weights[..., ::-1].copy(), tensor.name))
    onnx.save(model, str(copy / "pose_int8.onnx"))
    digest = hashlib.sha256((copy / "pose_int8.onnx").read_bytes()).hexdigest()
    sums = (copy / "SHA256SUMS").read_text()
    (copy / "SHA256SUMS").write_text(re.sub(r"\w{64}(?=  pose_int8)", digest, sums))
    done = device(copy, "--check", "--model", "int8")
    assert done.returncode == 2
    assert "expected 0.85 of the joints in their places" in done.stderr


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.ppm", b"P6\n2 2\n255\n123", "expected a whole binary PPM"),
        ("a.ppm", b"P5\n2 2\n255\n1234", "expected a whole binary PPM"),
        ("a.npy", b"nothing", "ValueError"),
        ("b.ppm", None, "FileNotFoundError"),
    ],
)
def test_a_bad_picture_is_one_line(bundled: Path, tmp_path: Path, name: str, content: bytes | None, says: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    done = device(bundled / "bundle", str(tmp_path / name), "--box", "0", "0", "9", "9")
    assert done.returncode == 2
    assert says in done.stderr and done.stderr.count("\n") == 1


def test_a_ppm_whose_pixels_begin_with_white_space_is_read_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(DEVICE))
    import run as on_device

    (tmp_path / "a.ppm").write_bytes(b"P6\n2 1\n255\n \n\t\r  ")
    assert on_device.read_picture(tmp_path / "a.ppm").ravel().tolist() == [32, 10, 9, 13, 32, 32]


def test_a_telephones_picture_is_turned_upright(bundled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(bundled / "bundle"))
    import run as on_device

    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    Image.new("RGB", (8, 4), (200, 10, 10)).save(tmp_path / "a.jpg", exif=exif)
    assert on_device.read_picture(tmp_path / "a.jpg").shape == (8, 4, 3)


def test_a_set_gives_only_the_parts_that_crops_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    from dataengine.coco_json import write_people

    people, images = draw_standing_people(tmp_path / "images", 5, seed=1)
    write_people(tmp_path / "set.json", people, images)
    some, parts = people_of(tmp_path / "set.json", tmp_path / "out", 2, META.crop)
    assert len(some) == 2 and not some.visibility.any()
    for row, person in enumerate((0, 4)):
        whole, part = read_picture(images.path[person]), read_picture(parts.path[row])
        assert part.shape <= whole.shape
        for picture, box in ((whole, people.bbox_xywh_px[person]), (part, some.bbox_xywh_px[row])):
            crop = extract_crop(picture, crop_matrix(box[None], META.crop)[0], META.crop)
            assert crop.any()
        first = extract_crop(whole, crop_matrix(people.bbox_xywh_px[[person]], META.crop)[0], META.crop)
        assert np.abs(first.astype(int) - crop.astype(int)).max() <= 1


def test_requirements_pin_the_versions_that_are_used_here(repository: Path) -> None:
    constraints = dict(
        line.split("==") for line in (repository / "constraints.txt").read_text().splitlines() if "==" in line
    )
    pinned = re.findall(r"^([\w-]+)==(\S+)", (DEVICE / "requirements.txt").read_text(), re.MULTILINE)
    assert {name for name, _ in pinned} == {"flatbuffers", "numpy", "onnxruntime", "packaging", "protobuf"}
    assert dict(pinned).items() <= constraints.items()


def test_the_bundle_is_replaced_but_nothing_else(bundled: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("kept")
    with pytest.raises(InputError, match="would be replaced"):
        run(bundled / "export", tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "kept"
    earlier = shutil.copytree(bundled / "bundle", tmp_path / "earlier")
    (earlier / "reference" / "mine.txt").write_text("kept")
    with pytest.raises(
        InputError,
        match=r"expected a bundle, or nothing, got reference/mine\.txt; name another with --out",
    ):
        run(bundled / "export", earlier)
    assert (earlier / "reference" / "mine.txt").read_text() == "kept"
    export = shutil.copytree(bundled / "export", tmp_path / "export")
    (export / "model_fp16.onnx").unlink()
    with pytest.raises(InputError, match=r"model_fp16\.onnx is missing"):
        run(export, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_reference_people_name_no_joints(bundled: Path) -> None:
    people, images = read_people(bundled / "bundle" / "reference" / "people.json")
    assert len(people) == len(images) == 4 and not people.visibility.any()
