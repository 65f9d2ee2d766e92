"""Cycles' devices, on stand-ins for its preferences."""

from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest

from dataengine.blender.batch.fingerprint import render_fingerprint
from dataengine.blender.cycles.device import DeviceWish, listed_devices, use_device
from dataengine.blender.scene.params import RenderParams
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
        self.devices = [SimpleNamespace(type=kind, use=True, name=f"A {kind}") for kind in ("CPU", *self.there)]


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        ((), []),
        (("CUDA", "OPTIX"), ["optix", "cuda"]),
        (("CUDA",), ["cuda"]),
        (("HIP",), ["hip"]),
    ],
)
def test_the_devices_that_are_there_the_fastest_first(there: tuple[str, ...], expected: list[str]) -> None:
    listed = listed_devices(Preferences(there))
    assert list(listed) == expected
    assert all(names == [f"A {kind.upper()}"] for kind, names in listed.items())


@pytest.mark.parametrize("wish", ["optix", "hip", "metal"])
def test_a_device_that_is_gone_is_one_line(wish: DeviceWish) -> None:
    with pytest.raises(EnvironmentFault, match=rf"no {wish} device.*auto, cpu, cuda") as raised:
        use_device(Preferences(("CUDA",)), SimpleNamespace(), wish)
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
    with pytest.raises(ParamsError, match=r"^device: expected .*optix.*voodoo"):
        replace(small_params, device="voodoo")  # type: ignore[arg-type]


@pytest.mark.bpy
@pytest.mark.usefixtures("blenders_python")
def test_the_device_decides_the_fingerprint_as_far_as_it_decides_pixels(small_params: RenderParams) -> None:
    on_cpu, on_cuda = (render_fingerprint(replace(small_params, device=device)) for device in ("cpu", "cuda"))
    assert on_cpu != on_cuda
