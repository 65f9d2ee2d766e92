"""The Jetson script, with a program in trtexec's place that computes by ONNX Runtime."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FAKE = Path(__file__).with_name("fake_trtexec.py")


@pytest.fixture
def bundle(bundled: Path, tmp_path: Path) -> Path:
    """A copy to build in."""
    return shutil.copytree(bundled / "bundle", tmp_path / "bundle")


def trtexec(folder: Path, source: str = "") -> Path:
    """A program of the fake, or of `source`."""
    program = folder / "trtexec"
    program.write_text(f"#!{sys.executable}\n" + (source or FAKE.read_text()))
    program.chmod(0o755)
    return program


def build(bundle: Path, program: Path) -> "subprocess.CompletedProcess[str]":
    """Call the bundle's script."""
    command = [sys.executable, str(bundle / "build_engine.py"), "--trtexec", str(program)]
    return subprocess.run(command, capture_output=True, text=True)


def test_an_engine_whose_joints_are_right_stays(bundle: Path, tmp_path: Path) -> None:
    done = build(bundle, trtexec(tmp_path))
    assert done.returncode == 0, done.stderr
    assert (bundle / "built" / "model.engine").is_file()
    facts = json.loads((bundle / "built" / "model.json").read_text())
    assert facts["model"] == json.loads((bundle / "model.json").read_text())["id"]
    assert facts["checked"].startswith("engine: 1.0000 of 68 joints")
    again = subprocess.run([sys.executable, str(bundle / "run.py"), "--check"], capture_output=True, text=True)
    assert again.returncode == 0, again.stderr


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (FAKE.read_text().replace("FACTOR = 1.0", "FACTOR = -1.0"), "engine: expected 0.95 of the joints"),
        ("import sys; sys.exit('--help' not in sys.argv)", "failed with code 1; read"),
        (FAKE.read_text().replace("FACTOR = 1.0", "FACTOR = np.nan"), "expected numbers"),
    ],
)
def test_any_other_engine_is_refused_and_removed(bundle: Path, tmp_path: Path, source: str, says: str) -> None:
    assert build(bundle, trtexec(tmp_path)).returncode == 0
    done = build(bundle, trtexec(tmp_path, source))
    assert done.returncode == 2
    assert says in done.stderr and done.stderr.count("\n") == 1
    assert not list((bundle / "built").glob("*.engine"))


def test_nothing_is_built_of_a_damaged_bundle(bundle: Path, tmp_path: Path) -> None:
    (bundle / "network_fp16.onnx").write_bytes(b"x")
    done = build(bundle, trtexec(tmp_path))
    assert done.returncode == 2
    assert "network_fp16.onnx: expected sha256" in done.stderr
    assert not (bundle / "built").exists()


def test_a_device_without_trtexec_is_said_in_one_line(bundle: Path, tmp_path: Path) -> None:
    done = build(bundle, tmp_path / "none")
    assert done.returncode == 2
    assert "expected trtexec" in done.stderr and done.stderr.count("\n") == 1
