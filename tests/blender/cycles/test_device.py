"""The choice of device: on stand-ins for Cycles' preferences, and on this machine's own Blender."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dataengine.blender.cycles import device as compute_device
from dataengine.blender.cycles.device import choose_device, resolve_device, use_device
from dataengine.blender.render import render_fingerprint, run
from dataengine.blender.scene.params import DeviceWish, RenderParams
from dataengine.errors import EnvironmentFault, ParamsError


@dataclass
class Preferences:
    """Behaves as Cycles' preferences do: unknown types are a TypeError, absent ones are silent."""

    there: tuple[str, ...]
    known: tuple[str, ...] = ("CUDA", "OPTIX", "HIP")
    devices: list[Any] = field(default_factory=list)
    _type: str = "NONE"

    @property
    def compute_device_type(self) -> str:
        return self._type

    @compute_device_type.setter
    def compute_device_type(self, value: str) -> None:
        if value not in self.known:
            raise TypeError(f"enum {value} not found")
        self._type = value

    def get_devices(self) -> None:
        self.devices = [SimpleNamespace(type=kind, use=True) for kind in ("CPU", *self.there)]


@pytest.mark.parametrize(
    ("there", "wish", "expected"),
    [
        ((), "auto", "cpu"),
        (("CUDA", "OPTIX"), "auto", "optix"),
        (("CUDA",), "auto", "cuda"),
        (("HIP",), "auto", "hip"),
        (("CUDA", "OPTIX"), "cuda", "cuda"),
    ],
)
def test_the_fastest_device_that_is_there(there: tuple[str, ...], wish: DeviceWish, expected: str) -> None:
    assert choose_device(Preferences(there), wish) == expected


@pytest.mark.parametrize("wish", ["optix", "hip", "metal"])
def test_a_named_device_that_is_absent_is_one_line(wish: DeviceWish) -> None:
    with pytest.raises(EnvironmentFault, match=rf"no {wish} device.*auto, cpu, cuda") as raised:
        choose_device(Preferences(("CUDA",)), wish)
    assert "\n" not in str(raised.value)


def test_only_the_chosen_devices_are_used() -> None:
    preferences, cycles = Preferences(("CUDA", "OPTIX", "OPTIX")), SimpleNamespace()
    use_device(preferences, cycles, "optix")
    assert cycles.device == "GPU" and preferences.compute_device_type == "OPTIX"
    assert [(device.type, device.use) for device in preferences.devices] == [
        ("CPU", False),
        ("CUDA", False),
        ("OPTIX", True),
        ("OPTIX", True),
    ]
    use_device(Preferences(()), cycles, "cpu")
    assert cycles.device == "CPU"


def test_unknown_devices_are_refused(small_params: RenderParams) -> None:
    with pytest.raises(ParamsError, match=r"render\.device.*optix.*voodoo"):
        replace(small_params, device="voodoo")  # type: ignore[arg-type]


def test_the_device_decides_the_fingerprint_as_far_as_it_decides_pixels(small_params: RenderParams) -> None:
    on_cpu, on_cuda = (render_fingerprint(replace(small_params, device=device)) for device in ("cpu", "cuda"))
    assert on_cpu != on_cuda


@pytest.mark.bpy
@pytest.mark.skipif(compute_device._may_have_gpu(), reason="this machine may have a GPU")
def test_blender_itself_without_a_gpu(
    body_cache: Path, small_params: RenderParams, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert resolve_device("auto") == "cpu"
    monkeypatch.setattr(compute_device, "_may_have_gpu", lambda: True)
    assert resolve_device("auto") == "cpu"
    with pytest.raises(EnvironmentFault, match="no optix device"):
        run(replace(small_params, device="optix"), tmp_path / "render", body_cache)
    assert not list(tmp_path.glob("render/images/*"))
