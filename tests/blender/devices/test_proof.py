"""The small picture: what is taken for one, Blender's own on the CPU, and the words while it is waited for."""

import os
from pathlib import Path

import numpy as np
import pytest

from dataengine.blender.devices.driver import driver_version
from dataengine.blender.devices.memory import key_of, memory_file, recall, remember
from dataengine.blender.devices.picture import judge, render_small
from dataengine.blender.devices.proof import Proof, ProofLimits, _Ticker, devices_here, prove
from dataengine.errors import EnvironmentFault


def test_an_empty_picture_and_another_one_prove_nothing() -> None:
    seen = np.tile(np.arange(0, 240, 10, dtype=np.uint8)[:, None, None], (1, 24, 3))
    judge(seen, 0.0)
    with pytest.raises(EnvironmentFault, match="is empty"):
        judge(np.full_like(seen, 120), 0.0)
    with pytest.raises(EnvironmentFault, match="40 levels of 255"):
        judge(seen, 40.0)


@pytest.mark.bpy
@pytest.mark.in_blender
def test_blenders_own_picture_on_the_cpu() -> None:
    made = render_small("cpu")
    assert made["difference"] == 0, "the same pixels from the same device"
    assert 0 < made["seconds"] < 300
    with pytest.raises(EnvironmentFault, match="no hip device"):
        render_small("hip")


@pytest.mark.bpy
def test_the_proof_of_the_cpu(blenders_python: Path) -> None:
    """In a process of its own, as a GPU is proved."""
    assert set(devices_here(blenders_python)) <= {"optix", "cuda", "hip", "metal"}
    found = prove("cpu", blenders_python, ProofLimits(300, 300))
    assert found.works and found.seconds > 0.1


@pytest.mark.gpu
@pytest.mark.bpy
def test_a_gpu_is_proved_or_says_why(blenders_python: Path) -> None:
    listed = devices_here(blenders_python)
    if not listed:
        pytest.skip("Blender lists no GPU on this machine")
    for device in ("optix", "cuda"):
        if device in listed:
            found = prove(device, blenders_python, ProofLimits(500, 120))
            assert found.works or found.why
            print(device, found)


def test_the_wait_is_told_in_a_log_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    ticker = _Ticker("optix", 600)
    for seconds in range(50):
        ticker.show(float(seconds))
    ticker.end()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert "optix" in lines[0] and lines[0].endswith("20 s of at most 600")


def test_the_memory_forgets_the_oldest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for number in range(70):
        remember(f"key {number}", Proof(True, "", float(number)))
    assert recall("key 0", 600) is None
    assert recall("key 69", 600) == Proof(True, "", 69.0)
    assert memory_file().stat().st_size < 20_000


def test_the_memory_lies_in_the_users_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", "/home/somebody")
    assert os.fspath(memory_file()) == "/home/somebody/.cache/dataengine/render-devices.json"


def test_a_key_tells_drivers_and_devices_apart() -> None:
    assert driver_version()
    keys = {key_of(device, names, "4.5.15") for device in ("optix", "cuda") for names in (["A"], ["A", "A"], ["B"])}
    assert len(keys) == 6
