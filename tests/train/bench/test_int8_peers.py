"""The figures of INT8's peers: what is missing is said; with both libraries all four come, of one network."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from dataengine.bench.record import Figure, Missing
from dataengine.inference.exported import ONNX_INT8
from dataengine.nets.checkpoint import ModelMeta
from dataengine.train.bench import export as export_bench
from dataengine.train.bench import int8_peers


def test_what_is_missing_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export, data = tmp_path / "export", tmp_path / "people.json"
    (line,) = int8_peers.exported(export, data, data)
    assert isinstance(line, Missing)
    assert ONNX_INT8 in line.line()
    export.mkdir()
    for path in (export / ONNX_INT8, data):
        path.write_bytes(b"")
    monkeypatch.setattr(int8_peers, "find_spec", lambda name: None if name == "nncf" else find_spec("json"))
    (line,) = int8_peers.exported(export, data, data)
    assert "nncf: pip install" in line.line()


TINY = ModelMeta("residual", {"channels": (8, 8, 8), "blocks": (1, 1, 1)}, input_width_px=64, input_height_px=64)


def test_hrnets_figure_needs_openvino_and_no_export(monkeypatch: pytest.MonkeyPatch, repository: Path) -> None:
    monkeypatch.chdir(repository)
    monkeypatch.setattr(export_bench, "TURNS", 2)
    monkeypatch.setattr(export_bench, "SECONDS_A_TURN", 0.02)
    monkeypatch.setattr(int8_peers, "find_spec", lambda _: None)
    (line,) = int8_peers.hrnet(TINY)
    assert "int8.openvino_hrnet_w32" in line.line() and "openvino: pip install" in line.line()
    if find_spec("openvino") is None:
        pytest.skip("openvino is not installed: pip install -c constraints.txt -e '.[openvino]'")
    monkeypatch.undo()
    monkeypatch.chdir(repository)
    (figure,) = int8_peers.hrnet(TINY)
    assert isinstance(figure, Figure) and figure.ours > 0 and figure.peer is not None and figure.peer > 0
