from pathlib import Path

import pytest

from dataengine.inference.cpu_file import CpuFile
from dataengine.inference.exported import ONNX_FP32, ONNX_INT8
from dataengine.nets.checkpoint import ModelMeta
from dataengine.train.bench import export

SMALL = ModelMeta("residual", {"channels": (8, 8, 8), "blocks": (1, 1, 1)}, input_width_px=64, input_height_px=64)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "TURNS", 2)
    monkeypatch.setattr(export, "SECONDS_A_TURN", 0.02)


@pytest.mark.parametrize("file", [ONNX_INT8, ONNX_FP32])
def test_the_figure_is_of_the_file_that_this_cpu_is_told_to_run(
    file: str, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "choose_cpu_file", lambda *_: CpuFile(file, "", "", {}))
    (figure,) = export.run({"": SMALL}, repository / "params.yaml")
    assert figure.name == "export.int8_speedup"
    assert figure.ours > 0 and figure.peer is not None and figure.peer > 0
    assert (figure.ratio == 1) == (file == ONNX_FP32)


def test_the_networks_are_the_default_student_and_hrnet() -> None:
    assert {ending: meta.network for ending, meta in export.NETWORKS.items()} == {
        "": "residual",
        "_hrnet_w32": "hrnet-w32",
    }
