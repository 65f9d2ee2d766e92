"""One bundle of a tiny network for all tests."""

from pathlib import Path

import pytest

from dataengine.train.edge.bundle import run

from .made_bundle import write_export


@pytest.fixture(scope="package")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that holds ``export`` and ``bundle``; not to be changed."""
    folder = tmp_path_factory.mktemp("edge")
    run(write_export(folder / "export"), folder / "bundle", count=4)
    return folder


@pytest.fixture(autouse=True)
def without_bytecode(monkeypatch: pytest.MonkeyPatch) -> None:
    """The device's scripts leave no compiled files in the bundle."""
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
