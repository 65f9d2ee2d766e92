"""Fixtures of the train room's tests: fitted networks and the files of a round, made once per session."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from . import small_model


@pytest.fixture(scope="session")
def round_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``train.json``, ``val.json``, ``test.json`` and two checkpoints: ``steps60`` is good, ``steps6`` is not."""
    folder = tmp_path_factory.mktemp("round")
    small_model.write_set(folder, "train", 24, seed=1)
    small_model.write_set(folder, "val", 24, seed=2)
    small_model.write_set(folder, "test", 40, seed=3, video="clip")
    small_model.write_checkpoints(folder, (6, 60))
    return folder


@pytest.fixture(scope="module")
def monkeypatch_module() -> Iterator[pytest.MonkeyPatch]:
    """`monkeypatch` for fixtures that live as long as a module."""
    with pytest.MonkeyPatch.context() as patch:
        yield patch
