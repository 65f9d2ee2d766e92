"""The figures of INT8's peers: what is missing is said; with both libraries all four come, of one network."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from dataengine.bench.record import Missing
from dataengine.inference.exported import ONNX_INT8
from dataengine.train.bench import int8_peers


def test_what_is_missing_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export, data = tmp_path / "export", tmp_path / "people.json"
    (line,) = int8_peers.run(export, data, data)
    assert isinstance(line, Missing)
    assert ONNX_INT8 in line.line()
    export.mkdir()
    for path in (export / ONNX_INT8, data):
        path.write_bytes(b"")
    monkeypatch.setattr(int8_peers, "find_spec", lambda name: None if name == "nncf" else find_spec("json"))
    (line,) = int8_peers.run(export, data, data)
    assert "nncf: pip install" in line.line()
