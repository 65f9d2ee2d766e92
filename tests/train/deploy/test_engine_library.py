"""Libraries are faked by the answers they give (version, table of capabilities); what follows from them is not."""

import sys
from enum import IntEnum
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from dataengine.errors import EnvironmentFault, ParamsError
from dataengine.inference.shipped import engine_library
from dataengine.inference.shipped.engine_library import (
    EngineLibrary,
    engine_targets,
    find_library,
    gpu_capability,
    installed,
    library_for_engine,
)
from dataengine.train.deploy.tensorrt_build import build_engine

from ...helpers import small_model


class Table(IntEnum):
    """That of tensorrt_rtx 1.7.1."""

    NONE = 0
    CURRENT = 1
    SM75 = 75
    SM80 = 80
    SM86 = 86
    SM89 = 89
    SM120 = 120
    SM121 = 121


RTX = EngineLibrary("tensorrt_rtx", "1.7.1", SimpleNamespace(ComputeCapability=Table))
TENSORRT = EngineLibrary("tensorrt", "10.9.0", SimpleNamespace())


def install(monkeypatch: pytest.MonkeyPatch, *libraries: EngineLibrary) -> None:
    by_name = {library.name: library for library in libraries}
    monkeypatch.setattr(engine_library, "installed", by_name.get)


def test_the_table_is_the_librarys_own() -> None:
    assert RTX.served == ("7.5", "8.0", "8.6", "8.9", "12.0", "12.1")
    assert TENSORRT.served == ()
    assert [gpu for gpu in ("7.0", "7.5", "8.7", "9.0", "10.0", "12.1", "13.0") if RTX.serves(gpu)] == [
        "7.5",
        "12.1",
        "13.0",
    ]
    assert TENSORRT.serves("9.0")


def test_the_installed_table_has_the_t4_and_no_hopper() -> None:
    library = installed("tensorrt_rtx")
    if library is None:
        pytest.skip("tensorrt_rtx is not installed")
    assert {"7.5", "8.0", "8.6", "8.9"} <= set(library.served)
    assert not library.serves("9.0")


def test_tensorrt_is_preferred_where_it_can_build(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, RTX, TENSORRT)
    assert find_library("8.9") is TENSORRT
    assert find_library(None) is RTX, "tensorrt builds only where there is a GPU"
    install(monkeypatch, RTX)
    assert find_library("9.0") is RTX, "it builds for other machines than this one"


def test_a_machine_that_cannot_build_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch)
    with pytest.raises(EnvironmentFault, match=r"expected tensorrt or tensorrt_rtx, got none.*tensorrt-rtx-cu13"):
        find_library(None)
    install(monkeypatch, TENSORRT)
    with pytest.raises(EnvironmentFault, match="builds only where there is a GPU"):
        find_library(None)


@pytest.mark.parametrize(
    ("library", "wanted", "gpu", "expected"),
    [
        (RTX, [], "8.6", ("8.6",)),
        (RTX, [], "7.5", ("7.5",)),
        (RTX, [], None, ()),
        (RTX, [], "9.0", ()),
        (RTX, ["7.5", "8.9"], None, ("7.5", "8.9")),
        (RTX, ["7.5"], "9.0", ("7.5",)),
        (TENSORRT, [], "9.0", ("9.0",)),
        (TENSORRT, ["9.0"], "9.0", ("9.0",)),
    ],
)
def test_targets_are_those_named_or_this_gpu(
    library: EngineLibrary, wanted: list[str], gpu: str | None, expected: tuple[str, ...]
) -> None:
    assert engine_targets(library, wanted, gpu) == expected


def test_a_capability_that_is_not_served_is_refused() -> None:
    with pytest.raises(ParamsError, match=r"tensorrt_rtx 1\.7\.1 builds no engine for 9\.0.*7\.5, 8\.0.*tensorrt, on"):
        engine_targets(RTX, ["8.6", "9.0"], None)
    with pytest.raises(ParamsError, match=r"some of 9\.0.*tensorrt_rtx"):
        engine_targets(TENSORRT, ["7.5"], "9.0")


def test_an_engine_on_hopper_is_told_to_use_tensorrt(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, RTX)
    with pytest.raises(EnvironmentFault, match=r"runs no engine on compute capability 9\.0.*pip install tensorrt, "):
        library_for_engine("tensorrt_rtx", [], "9.0")


def test_an_engine_runs_where_library_and_engine_serve_the_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, RTX, TENSORRT)
    assert library_for_engine("tensorrt_rtx", ["8.6", "8.9"], "8.6") is RTX
    assert library_for_engine("tensorrt_rtx", [], "8.9") is RTX
    assert library_for_engine("tensorrt", ["9.0"], "9.0") is TENSORRT
    with pytest.raises(EnvironmentFault, match=r"not built for compute capability 7\.5.*engine_capabilities"):
        library_for_engine("tensorrt_rtx", ["8.6"], "7.5")
    with pytest.raises(EnvironmentFault, match="got none that PyTorch sees"):
        library_for_engine("tensorrt_rtx", ["8.6"], None)
    install(monkeypatch, RTX)
    with pytest.raises(EnvironmentFault, match="built by tensorrt: got it is not installed"):
        library_for_engine("tensorrt", ["9.0"], "9.0")


def test_the_gpus_capability_is_pytorchs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (9, 0))
    assert gpu_capability() == "9.0"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert gpu_capability() is None


def test_a_module_that_does_not_import_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    assert installed("tensorrt") is None


def test_the_real_builder_takes_the_t4(exported: dict[str, Path], tmp_path: Path) -> None:
    """The T4 is built for only if it is named: the library's own choice leaves 7.5 out, which no table says."""
    if installed("tensorrt_rtx") is None or gpu_capability() is not None:
        pytest.skip("asks tensorrt_rtx on a machine without a GPU")
    onnx_file, meta = exported["good"] / "model_fp16.onnx", small_model.META
    facts = build_engine(onnx_file, tmp_path / "t4", meta, typical_batch=2, max_batch=4, capabilities=["7.5", "8.6"])
    assert facts["capabilities"] == ["7.5", "8.6"]
    plain = build_engine(onnx_file, tmp_path / "plain", meta, typical_batch=2, max_batch=4)
    assert plain["capabilities"] == []
    with pytest.raises(ParamsError, match=r"no engine for 9\.0"):
        build_engine(onnx_file, tmp_path / "h100", meta, typical_batch=2, max_batch=4, capabilities=["9.0"])
    assert not (tmp_path / "h100").exists()
