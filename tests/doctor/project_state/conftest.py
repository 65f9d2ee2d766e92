"""A project without a fault, and a copy of it for each test to damage."""

from pathlib import Path

import pytest

from dataengine.doctor.project_state.kept import Kept

from .kept_project import copy_of, new_kept_project


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project without a fault; tests take copies."""
    with pytest.MonkeyPatch.context() as patch:  # left at once: tests of other folders follow in this process
        return new_kept_project(tmp_path_factory.mktemp("kept") / "project", patch)


@pytest.fixture
def kept(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kept:
    """A copy, in which nothing works but this test."""
    copy = copy_of(whole, tmp_path / "project with spaces")
    monkeypatch.chdir(copy.root)
    return copy
