"""Shared fixtures."""

import fcntl
import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from .helpers.dvc_checkout import checkout  # noqa: F401  a fixture

REPOSITORY = Path(__file__).resolve().parents[1]
# before torch is loaded: the tests' networks are so small that threads cost time, most of all on a busy machine
os.environ.setdefault("OMP_NUM_THREADS", "1")
settings.register_profile("without a clock", deadline=None)  # else a busy machine fails a test
settings.load_profile("without a clock")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that have slow tests first, else one of them runs alone at the end.

    Files that take turns at FiftyOne's database stand far apart, else one process waits for the other. `make test` has
    xdist keep this order; left to itself it takes the files with the most tests first.
    """
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    turns = {item.path for item in items if "fiftyone_turn" in getattr(item, "fixturenames", ())}
    files = sorted(dict.fromkeys(item.path for item in items), key=lambda path: -slow[path])
    order = [path for path in files if path not in turns]
    for place, path in enumerate(path for path in files if path in turns):
        order.insert(place * len(files) // len(turns), path)
    rank = {path: place for place, path in enumerate(order)}
    items.sort(key=lambda item: rank[item.path])


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


@pytest.fixture(scope="module")
def fiftyone_turn() -> Iterator[None]:
    """FiftyOne joins any database of the same user that runs, so tests that start one take turns, whoever runs them."""
    with (Path(tempfile.gettempdir()) / f"dataengine-tests-fiftyone-{os.getuid()}.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield
