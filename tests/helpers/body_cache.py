"""The body model that tests render with, and what happens where a machine cannot render."""

import importlib.util
import os
from pathlib import Path

import pytest

INSIDE = "DATAENGINE_INSIDE_BLENDER"  # set where tests run in Blender's Python
REQUIRED = "DATAENGINE_REQUIRE_BLENDER"  # a machine that was set up in full: what lacks is a failure


@pytest.fixture(scope="session")
def body_cache() -> Path:
    """The body model's cache: DATAENGINE_ANNY_CACHE or the repository's own, built there once when absent."""
    default = Path(__file__).parents[2] / "data" / "cache" / "anny"
    cache = Path(os.environ.get("DATAENGINE_ANNY_CACHE", default))
    if INSIDE in os.environ:
        return cache  # prepared by the process that asked for the test
    if importlib.util.find_spec("anny") is None:
        lacking("anny is not installed: pip install -c constraints.txt -e '.[blender]'")
    from dataengine.blender.body.cache import prepare_body_cache

    prepare_body_cache(cache)
    return cache


def lacking(what: str) -> None:
    """Skip with the reason, or fail where everything was to be there."""
    if os.environ.get(REQUIRED):
        pytest.fail(what, pytrace=False)
    pytest.skip(what)
