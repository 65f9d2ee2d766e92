"""Which device is taken: with processes that hang, crash or answer for Blender, and with Blender itself."""

import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dataengine.blender.cycles.device import DeviceWish
from dataengine.blender.devices import memory, proof, resolve
from dataengine.blender.devices.driver import may_have_gpu
from dataengine.blender.devices.memory import memory_file
from dataengine.blender.devices.resolve import resolve_device
from dataengine.blender.render import run
from dataengine.blender.scene.params import RenderParams
from dataengine.blender.workers import ask
from dataengine.blender.workers.interpreter import About
from dataengine.errors import EnvironmentFault

PYTHON = Path(sys.executable)


class Machine:
    """One with GPUs that behave as told, and a clock that they move."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._notes, self._clock, self._set = folder / "notes", folder / "clock", monkeypatch.setenv
        self._set("FAKE_NOTES", str(self._notes))
        self._set("FAKE_CLOCK", str(self._clock))

    def has(self, **devices: str) -> None:
        """Types of GPU and what their pictures do."""
        self._set("FAKE_DEVICES", json.dumps({name: [f"NVIDIA {name}"] for name in devices}))
        for name, how in devices.items():
            self._set(f"FAKE_{name.upper()}", how)

    def monotonic(self) -> float:
        """The real clock, and what the pictures have moved it by: no test waits, or fails on a busy machine."""
        moved = self._clock.read_text().split() if self._clock.exists() else []
        return time.monotonic() + sum(map(float, moved))

    def pictures(self) -> list[str]:
        """The devices that were asked for a picture so far."""
        return self._notes.read_text().split() if self._notes.exists() else []


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, makers_can_be_asked: None) -> Machine:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(proof, "LIST_DEVICES", "worker_makers:fake_devices")
    monkeypatch.setattr(proof, "RENDER_SMALL", "worker_makers:fake_picture")
    monkeypatch.setattr(resolve, "may_have_gpu", lambda: True)
    monkeypatch.setattr(resolve, "about", lambda python: About("3.11.7", "4.5.15", "1.26.4"))
    made = Machine(tmp_path, monkeypatch)
    for module in (ask, proof):
        monkeypatch.setattr(module, "time", made)
    return made


def chosen(params: RenderParams, wish: DeviceWish = "auto", **changes: Any) -> DeviceWish:
    return resolve_device(replace(params, device=wish, **changes), PYTHON)


def test_a_gpu_that_gives_a_picture_is_taken_and_remembered(
    machine: Machine, small_params: RenderParams, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.has(optix="works", cuda="works")
    assert [chosen(small_params) for _ in range(3)] == ["optix"] * 3
    assert chosen(small_params, "cuda") == "cuda"
    assert machine.pictures() == ["optix", "cuda"]
    assert capsys.readouterr().err == ""


def test_the_next_is_tried_where_one_hangs(machine: Machine, small_params: RenderParams) -> None:
    machine.has(optix="hang", cuda="works")
    assert chosen(small_params) == "cuda"
    assert machine.pictures() == ["optix", "cuda"]


def test_the_cpu_is_taken_with_one_line_and_without_a_second_try(
    machine: Machine, small_params: RenderParams, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.has(optix="crash", cuda="empty")
    assert chosen(small_params) == "cpu"
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert "on the CPU (optix: exit code -11, CUDA error: illegal address; cuda: the picture is empty)" in line
    assert str(memory_file()) in line
    assert chosen(small_params) == "cpu"
    assert machine.pictures() == ["optix", "cuda"]
    assert capsys.readouterr().err == line, "it is said in every run"


@pytest.mark.parametrize(
    ("how", "why"),
    [("crash", "exit code -11"), ("hang", "no picture within 600 s"), ("empty", "the picture is empty")],
)
def test_a_device_by_name_that_gives_no_picture_is_an_error(
    how: str, why: str, machine: Machine, small_params: RenderParams
) -> None:
    machine.has(optix=how, cuda="works")
    for _ in range(2):
        with pytest.raises(EnvironmentFault, match=f"gives no picture: got optix: {why}.*; set auto or cpu") as raised:
            chosen(small_params, "optix")
        assert "\n" not in str(raised.value)
    assert machine.pictures() == ["optix"]


def test_a_device_by_name_that_is_absent_is_an_error(machine: Machine, small_params: RenderParams) -> None:
    machine.has(cuda="works")
    with pytest.raises(EnvironmentFault, match=r"no optix device.*expected one of auto, cpu, cuda"):
        chosen(small_params, "optix")
    assert not machine.pictures()


def test_more_time_another_driver_and_another_blender_are_tried_again(
    machine: Machine, small_params: RenderParams, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.has(cuda="hang")
    assert chosen(small_params, device_proof_s=300) == chosen(small_params, device_proof_s=200) == "cpu"
    assert len(machine.pictures()) == 1
    assert chosen(small_params, device_proof_s=400) == "cpu"
    assert len(machine.pictures()) == 2
    machine.has(cuda="works")
    assert chosen(small_params, device_proof_s=400) == "cpu", "as remembered"
    monkeypatch.setattr(memory, "driver_version", lambda: "580.1")
    assert chosen(small_params) == "cuda"
    monkeypatch.setattr(resolve, "about", lambda python: About("3.11.7", "4.5.16", "1.26.4"))
    machine.has(cuda="empty")
    assert chosen(small_params) == "cpu"
    assert len(machine.pictures()) == 4


def test_kernels_that_every_process_compiles_are_of_no_use(machine: Machine, small_params: RenderParams) -> None:
    """The stage would skip every image: none is done within its limit."""
    machine.has(optix="late hang", cuda="late works")
    assert chosen(small_params) == "cuda"
    assert machine.pictures() == ["optix", "optix", "cuda", "cuda"]
    kept = json.loads(memory_file().read_text())
    why = next(entry["why"] for key, entry in kept.items() if '"optix"' in key)
    assert why == "a new process compiles its kernels again: no picture within 120 s"


@pytest.mark.parametrize(
    "content", ["", "{", "[1]", '{"a": 1}', "\x00\xff", '{"KEY": {"works": "yes"}}', '{"KEY": null}']
)
def test_a_damaged_memory_is_as_good_as_none(content: str, machine: Machine, small_params: RenderParams) -> None:
    machine.has(cuda="works")
    assert chosen(small_params) == "cuda"
    (key,) = json.loads(memory_file().read_text())
    memory_file().write_text(content.replace('"KEY"', json.dumps(key)), encoding="latin-1")
    assert chosen(small_params) == chosen(small_params) == "cuda"
    assert machine.pictures() == ["cuda", "cuda"]


def test_a_memory_that_cannot_be_kept_costs_a_picture_and_no_run(
    machine: Machine, small_params: RenderParams, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    machine.has(cuda="works")
    assert chosen(small_params) == chosen(small_params) == "cuda"
    assert machine.pictures() == ["cuda", "cuda"]


def test_where_there_is_no_gpu_nobody_is_asked(
    machine: Machine, small_params: RenderParams, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.has()
    assert chosen(small_params, "cpu") == "cpu"
    assert chosen(small_params) == "cpu", "Blender lists none"
    monkeypatch.setattr(resolve, "may_have_gpu", lambda: False)
    monkeypatch.setattr(resolve, "devices_here", lambda python: pytest.fail("asked"))
    assert chosen(small_params) == "cpu"


@pytest.mark.bpy
@pytest.mark.skipif(may_have_gpu(), reason="this machine may have a GPU")
def test_blender_itself_without_a_gpu(
    blenders_python: Path,
    body_cache: Path,
    small_params: RenderParams,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert resolve_device(replace(small_params, device="auto"), blenders_python) == "cpu"
    monkeypatch.setattr(resolve, "may_have_gpu", lambda: True)
    assert resolve_device(replace(small_params, device="auto"), blenders_python) == "cpu"
    with pytest.raises(EnvironmentFault, match="no optix device"):
        run(replace(small_params, device="optix"), out=tmp_path / "render", cache=body_cache)
    assert not list(tmp_path.glob("render/images/*"))
