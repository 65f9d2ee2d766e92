"""A bundle with TVM. A stand-in for the compiler answers by ONNX Runtime; TVM itself is tried where it is installed."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dataengine.errors import EnvironmentFault, InputError
from dataengine.train.edge.bundle import run
from dataengine.train.edge.bundle_folder import listed_files
from dataengine.train.edge.extras import ExtraRuntimes
from dataengine.train.edge.tvm_files import MODULES, require_tvm

from ..exported_models import PARAMS

AARCH64 = 183  # e_machine of an ELF file: EM_AARCH64
ASKED = ExtraRuntimes(["tvm"], PARAMS)
COMPILER = """
import json, sys
from pathlib import Path
import numpy as np
import onnxruntime
script, folder = Path(sys.argv[1]), Path(sys.argv[2])
assert script.name == "to_tvm.py" and script.is_file()
session = onnxruntime.InferenceSession(str(folder / "network.onnx"), providers=["CPUExecutionProvider"])
name = session.get_inputs()[0].name
each = [session.run(None, {name: image[None]}) for image in np.load(folder / "images.npy")]
answers = [np.concatenate(part) for part in zip(*each)]
answers[0] += SHIFT
np.savez(folder / "answers.npz", *answers)
(folder / "tvm_fp32.so").write_bytes(b"a library")
(folder / "facts.json").write_text(json.dumps({"target": "aarch64"}))
"""


def stand_in(folder: Path, source: str) -> Path:
    """A program in the place of a Python that has TVM."""
    program = folder / "python"
    program.write_text(f"#!{sys.executable}\n{source}")
    program.chmod(0o755)
    return program


def bundle_with(program: Path, bundled: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bundle of the export in `bundled`, compiled by `program`."""
    monkeypatch.setattr("dataengine.train.edge.extras.require_tvm", lambda: program)
    run(bundled / "export", out, count=4, extras=ASKED)


def check(bundle: Path) -> "subprocess.CompletedProcess[str]":
    """What the device's own check says, on this machine."""
    return subprocess.run([sys.executable, str(bundle / "run.py"), "--check"], capture_output=True, text=True)


def assert_bundled(bundle: Path, without: Path) -> None:
    """The library is listed and described, its joints are expected, and this machine does not run it."""
    assert {"tvm_fp32.so", "requirements-tvm.txt"} == set(listed_files(bundle)) - set(listed_files(without))
    record = json.loads((bundle / "networks.json").read_text())["tvm-fp32"]
    assert record.pop("made")
    assert record == {
        "runtime": "tvm",
        "file": "tvm_fp32.so",
        "machine": "aarch64",
        "takes": {"name": "images", "layout": "NCHW", "shape": [1, 3, 32, 24], "dtype": "float32"},
    }
    expected = json.loads((bundle / "reference" / "expected.json").read_text())["keypoints_px"]
    np.testing.assert_allclose(expected["tvm-fp32"], expected["fp32"], atol=0.5)
    done = check(bundle)
    assert done.returncode == 0, done.stderr
    assert [line.split(":")[0] for line in done.stdout.splitlines()[1:]] == ["fp32", "int8"]
    assert "tvm-fp32 is not tried: expected " in done.stderr


def test_a_library_whose_joints_are_right_is_bundled_and_not_run_here(
    bundled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tmp_path / "bundle"
    bundle_with(stand_in(tmp_path, COMPILER.replace("SHIFT", "0")), bundled, bundle, monkeypatch)
    assert (bundle / "tvm_fp32.so").read_bytes() == b"a library"
    assert json.loads((bundle / "networks.json").read_text())["tvm-fp32"]["made"] == {"target": "aarch64"}
    expected = json.loads((bundle / "reference" / "expected.json").read_text())["keypoints_px"]
    assert expected["tvm-fp32"] == expected["fp32"]
    assert_bundled(bundle, bundled / "bundle")


@pytest.mark.parametrize(
    ("source", "error", "says"),
    [
        (COMPILER.replace("SHIFT", "0.06"), InputError, r"expected 97% within 0\.05 px of the crop, got 0\.0%"),
        (COMPILER.replace("SHIFT", "np.nan"), InputError, "finds other joints than ONNX Runtime"),
        ("raise SystemExit('LLVM has no such target')", EnvironmentFault, "to_tvm.py failed: got LLVM has no such"),
    ],
)
def test_any_other_library_is_no_bundle(
    bundled: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    source: str,
    error: type[Exception],
    says: str,
) -> None:
    with pytest.raises(error, match=says):
        bundle_with(stand_in(tmp_path, source), bundled, tmp_path / "bundle", monkeypatch)
    assert not (tmp_path / "bundle").exists()


def test_what_is_not_installed_is_named_with_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(stand_in(tmp_path, "print('tvm ziglang')")))
    with pytest.raises(EnvironmentFault, match=r"TVM is not installed: got no tvm, ziglang; pip install .*\[tvm\]"):
        require_tvm()


def test_the_compiler_itself(bundled: Path, tmp_path: Path) -> None:
    missing = [name for name in MODULES if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"no TVM: {', '.join(missing)} is not installed; docs/edge.md says how")
    run(bundled / "export", tmp_path / "bundle", count=4, extras=ASKED)
    library = (tmp_path / "bundle" / "tvm_fp32.so").read_bytes()
    assert library[:4] == b"\x7fELF"
    assert np.frombuffer(library, np.uint16, count=1, offset=18)[0] == AARCH64
    assert_bundled(tmp_path / "bundle", bundled / "bundle")
