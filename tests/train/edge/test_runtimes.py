"""A bundle with LiteRT. `litert/` holds what to_litert.py made of `made_network`; a script that copies is converter.

So what runs here is LiteRT itself; the conversion is tried where `.venv-litert` is.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from dataengine.coco_json import write_people
from dataengine.environments.virtual_environment import environment_python
from dataengine.errors import EnvironmentFault, InputError
from dataengine.inference.exported import INPUT
from dataengine.inference.in_graph import BOXES, PICTURE
from dataengine.train.deploy.graph_feeding import picture_to_images
from dataengine.train.edge.bundle import run
from dataengine.train.edge.bundle_folder import DEVICE, listed_files
from dataengine.train.edge.conversion import CONVERTERS
from dataengine.train.edge.emulation import describe_cpus
from dataengine.train.edge.extras import ExtraRuntimes
from dataengine.train.edge.litert_files import MODULES, require_litert
from dataengine.train.edge.tvm_files import refuse_moved

from ...conftest import REPOSITORY
from ...helpers.drawn_people import draw_standing_people
from ..exported_models import PARAMS
from .made_bundle import META

MADE = Path(__file__).parent / "litert"


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> ExtraRuntimes:
    """LiteRT, with people to calibrate on."""
    folder = tmp_path_factory.mktemp("asked")
    program = folder / "converter" / "bin" / "python"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\n[ "$1" = -c ] || cp {MADE}/* "$2"/\n')
    program.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_people(folder / "people.json", *draw_standing_people(folder / "images", 3, seed=4))
    people = folder / "people.json"
    return ExtraRuntimes(["litert"], PARAMS, people, people, folder / "converter")


@pytest.fixture(scope="module")
def bundle(bundled: Path, asked: ExtraRuntimes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with LiteRT's files; not to be changed."""
    out = tmp_path_factory.mktemp("litert") / "bundle"
    limits = replace(PARAMS.max_ap_drop, fp32=1, fp16=1, int8=1, engine=1)
    extras = ExtraRuntimes(
        asked.names, replace(PARAMS, max_ap_drop=limits), asked.calibration, asked.val, asked.converter
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(asked.converter.parent)
        run(bundled / "export", out, count=4, extras=extras)
    return out


def device(bundle: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Call the bundle's script."""
    return subprocess.run([sys.executable, str(bundle / "run.py"), *arguments], capture_output=True, text=True)


def test_litert_finds_the_joints_of_onnx_runtime(bundle: Path) -> None:
    expected = json.loads((bundle / "reference" / "expected.json").read_text())["keypoints_px"]
    apart = {n: np.linalg.norm(np.subtract(expected[n], expected["fp32"]), axis=2) for n in expected}
    assert set(expected) == {"fp32", "int8", "litert-fp32", "litert-int8"}
    assert np.quantile(apart["litert-fp32"], 0.9) < 0.05
    assert 0 < np.median(apart["litert-int8"]) < 2
    done = device(bundle, "--check")
    assert done.returncode == 0, done.stderr
    assert [line.split(":")[0] for line in done.stdout.splitlines()[1:]] == list(expected)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda record: record["inputs"]["args_0"].update(shape=[1, 3, 32, 24]), "expected inputs"),
        (lambda record: record["inputs"]["args_0"].update(scale=1.0), "expected inputs"),
        (lambda record: record.update(file="../litert_int8.tflite"), "files in the bundle's folder"),
        (lambda record: record.update(runtime="tvm", machine="z80"), "expected z80"),
    ],
)
def test_a_record_that_tells_otherwise_is_refused(
    bundle: Path, tmp_path: Path, change: Callable[[Any], Any], says: str
) -> None:
    copy = shutil.copytree(bundle, tmp_path / "bundle")
    record = json.loads((copy / "networks.json").read_text())
    change(record["litert-int8"])
    (copy / "networks.json").write_text(json.dumps(record))
    done = device(copy, "--people", str(copy / "reference" / "people.json"), "--model", "litert-int8")
    assert done.returncode == 2
    assert says in done.stderr.splitlines()[-1]


def test_what_loses_too_much_or_lacks_something_is_refused(
    bundle: Path, asked: ExtraRuntimes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = replace(PARAMS.max_ap_drop, fp32=1, fp16=1, int8=-1, engine=1)
    monkeypatch.chdir(asked.converter.parent)
    strict = replace(PARAMS, max_ap_drop=limits)
    lossy = ExtraRuntimes(asked.names, strict, asked.calibration, asked.val, asked.converter)
    with pytest.raises(InputError, match="litert-int8 loses too much AP: expected at most -1"):
        lossy.refuse_lossy(bundle)
    with pytest.raises(InputError, match=r"expected litert \| tvm, got coreml"):
        ExtraRuntimes(["coreml"], PARAMS)
    with pytest.raises(EnvironmentFault, match=r"pip install -r .*requirements.txt"):
        require_litert(tmp_path / "none")
    refuse_moved(np.zeros((2, 17)), 0.05, 0.97)
    with pytest.raises(InputError, match=r"97% within 0\.05 px"):
        refuse_moved(np.ones((2, 17)), 0.05, 0.97)


@pytest.mark.parametrize(
    "box", [[40.0, 30, 24, 32], [-20, -10, 60, 60], [5, 5, 150, 110], [100, 60, 90, 40.5], [0, 0, 160, 120]]
)
def test_a_crop_is_cut_as_the_onnx_files_cut_it(box: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(DEVICE))
    import crops

    picture = np.random.default_rng(0).integers(0, 256, (120, 160, 3)).astype(np.uint8)
    session = onnxruntime.InferenceSession(picture_to_images(META).SerializeToString())
    images, step, middle = session.run(None, {PICTURE: picture, BOXES: np.array([box], np.float32)})
    assert session.get_outputs()[0].name == INPUT
    found = crops.cut(picture, np.array(box), (24, 32), META.crop_padding)
    wanted = (images[0].transpose(1, 2, 0) * META.std + META.mean) * 255
    assert found.step_px == pytest.approx(step[0, 0], rel=1e-6)
    np.testing.assert_allclose(found.middle_px, middle[0], atol=1e-4)
    apart = np.abs(found.crop - wanted)
    assert apart.max() < 1.01 and (apart > 0.01).mean() < 0.03  # a grey level, where a mean lies between two


def test_a_bundles_names_stay_in_its_folder(bundle: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(bundle, tmp_path / "bundle")
    (tmp_path / "outside").write_text("harmless")
    sums = (copy / "SHA256SUMS").read_text()
    for name in ("../outside", str(tmp_path / "outside"), "linked"):
        (copy / "SHA256SUMS").write_text(sums + f"{'0' * 64}  {name}\n")
        if name == "linked":
            (copy / name).symlink_to(tmp_path / "outside")
        with pytest.raises(InputError, match=r"SHA256SUMS lists a link|does not list what lies"):
            listed_files(copy)


def test_links_of_a_cache_that_was_moved_are_mended(tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / name / "usr").mkdir(parents=True)
        describe_cpus(tmp_path / name, tmp_path / "cpus")
    assert (tmp_path / "cpus" / "max" / "usr").resolve() == tmp_path / "new" / "usr"


def test_the_converter_itself(tmp_path: Path) -> None:
    python = environment_python(Path(os.environ.get("DATAENGINE_LITERT", REPOSITORY / ".venv-litert")))
    if not python.exists():
        pytest.skip(
            f"no LiteRT converter: {python} is missing; docs/edge.md says how to make it ({', '.join(MODULES)})"
        )
    import torch

    from dataengine.train.deploy.graph_reading import JointReading

    from .made_bundle import made_network

    net, one = made_network(), torch.zeros(1, 3, 32, 24)
    torch.export.save(torch.export.export(net, (one,)), tmp_path / "network.pt2")
    torch.export.save(torch.export.export(JointReading(META).eval(), net(one)), tmp_path / "joints.pt2")
    np.save(tmp_path / "images.npy", np.random.default_rng(0).normal(size=(16, 3, 32, 24)).astype(np.float32))
    subprocess.run([str(python), str(CONVERTERS / "to_litert.py"), str(tmp_path)], check=True, capture_output=True)
    assert (
        json.loads((tmp_path / "facts.json").read_text())["files"]
        == json.loads((MADE / "facts.json").read_text())["files"]
    )
