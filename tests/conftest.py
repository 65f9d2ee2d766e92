"""Shared fixtures."""

from pathlib import Path

import pytest
from hypothesis import settings

from .helpers.dvc_checkout import checkout  # noqa: F401  a fixture

REPOSITORY = Path(__file__).resolve().parents[1]
settings.register_profile("without a clock", deadline=None)  # else a busy machine fails a test
settings.load_profile("without a clock")


@pytest.fixture(scope="session")
def repository() -> Path:
    """The checkout's root."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real images next to the checkout; not part of the repository."""
    folder = REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}: research-licensed images are not shipped with the repository")
    return folder


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have one process run all tests of a file (``--dist loadgroup``), so that a module's fixtures are made once.

    Files that say otherwise form a group: FiftyOne joins any database of the same user, so those tests take turns.
    """
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
