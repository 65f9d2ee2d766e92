"""The body model's cache where several processes want it at once."""

from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillRunning
from pathlib import Path

import pytest

from dataengine.blender.body import build
from dataengine.blender.body.cache import BODY_CACHE_VERSION, is_prepared, prepare_body_cache
from dataengine.files import locked_folder


def test_who_finds_another_building_the_cache_waits_for_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    cache = tmp_path / "anny"
    monkeypatch.setattr(build, "ensure_arrays", lambda _: pytest.fail("built a second time", pytrace=False))
    with ThreadPoolExecutor(1) as pool:
        with locked_folder(tmp_path):  # as the first one holds it while building
            second = pool.submit(prepare_body_cache, cache)
            with pytest.raises(StillRunning):
                second.result(timeout=0.3)
            cache.mkdir()
            (cache / "complete.txt").write_text(BODY_CACHE_VERSION)
        second.result(timeout=10)
    assert is_prepared(cache) and "body model ready" in capsys.readouterr().err
