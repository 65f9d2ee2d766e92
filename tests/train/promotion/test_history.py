from pathlib import Path

import pytest

from dataengine.inference.exported import load_exported
from dataengine.registry import history

from ..gate_round import Gate


def test_history_lists_the_champion_and_the_refused(
    rejected: Gate, exported: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = (load_exported(exported[name]).id for name in ("good", "bad"))
    rejected.promote(exported["bad"])
    capsys.readouterr()
    history.run(registry=rejected.registry)
    lines = capsys.readouterr().out.splitlines()
    champion = next(line for line in lines if "promoted" in line)
    refused = next(line for line in lines if "refused" in line)
    assert "*" in champion
    assert good in champion
    assert "*" not in refused
    assert bad in refused
    assert "worse than the champion" in refused


def test_empty_history_says_so(gate: Gate, capsys: pytest.CaptureFixture[str]) -> None:
    history.run(registry=gate.registry)
    assert "No model has come to promotion yet" in capsys.readouterr().out
