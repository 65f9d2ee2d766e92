"""Fixtures of the train room's tests: fitted networks and the files of a round, made once per session."""

from dataclasses import replace
from pathlib import Path

import pytest

from dataengine.inference.exported import load_exported
from dataengine.train.deploy.params import GraphParams

from ..helpers import small_model
from .exported_models import PARAMS, export_to
from .gate_round import PARAMS as GATE_PARAMS
from .gate_round import Gate


@pytest.fixture(scope="session")
def round_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``train.json``, ``val.json``, ``test.json`` and two checkpoints: ``steps60`` is good, ``steps6`` is not."""
    folder = tmp_path_factory.mktemp("round")
    small_model.write_set(folder, "train", 24, seed=1)
    small_model.write_set(folder, "val", 24, seed=2)
    small_model.write_set(folder, "test", 40, seed=3, video="clip", scenes=10)
    small_model.write_checkpoints(folder, (6, 60))
    return folder


@pytest.fixture(scope="session")
def exported(round_folder: Path) -> dict[str, Path]:
    """Exports of the two checkpoints by the names "good" (with an engine) and "bad" (without)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(round_folder)
        without_engine = replace(PARAMS, engine=False, graph=GraphParams(takes="picture", network="int8"))
        return {
            "good": export_to(round_folder, "steps60", round_folder / "export-good" / "model"),
            "bad": export_to(round_folder, "steps6", round_folder / "export-bad" / "model", without_engine),
        }


@pytest.fixture(scope="session")
def gates(round_folder: Path, exported: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Gate]:
    """Gates to copy. In "compared" the good model was compared; in "rejected" it is champion, and the bad one was
    compared with it; in "twice" the good model is champion after the bad one.
    """
    made = {
        name: Gate.fresh(tmp_path_factory.mktemp(name) / "gate", round_folder / "test.json")
        for name in ("compared", "twice")
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(round_folder)
        made["compared"].compare(exported["good"])
        made["rejected"] = made["compared"].copy(tmp_path_factory.mktemp("rejected") / "gate")
        made["rejected"].promote(exported["good"])
        made["rejected"].compare(exported["bad"], replace(GATE_PARAMS, champion=load_exported(exported["good"]).id))
        made["twice"].compare(exported["bad"], replace(GATE_PARAMS, floor_ap=0.0))
        made["twice"].promote(exported["bad"])
        made["twice"].compare(exported["good"], replace(GATE_PARAMS, champion=load_exported(exported["bad"]).id))
        assert made["twice"].promote(exported["good"])["outcome"] == "promoted"
    return made


@pytest.fixture
def compared(gates: dict[str, Gate], round_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gate:
    """The good model was compared, and nothing was promoted yet."""
    monkeypatch.chdir(round_folder)
    return gates["compared"].copy(tmp_path / "gate")


@pytest.fixture
def rejected(gates: dict[str, Gate], round_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gate:
    """The good model is champion, and the bad one was compared with it."""
    monkeypatch.chdir(round_folder)
    return gates["rejected"].copy(tmp_path / "gate")


@pytest.fixture
def twice(gates: dict[str, Gate], round_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gate:
    """The good model is champion after the bad one."""
    monkeypatch.chdir(round_folder)
    return gates["twice"].copy(tmp_path / "gate")


@pytest.fixture
def gate(round_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gate:
    """An empty registry and the round's test set."""
    monkeypatch.chdir(round_folder)
    return Gate.fresh(tmp_path, round_folder / "test.json")
