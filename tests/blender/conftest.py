"""Fixtures of the synthetic people: small params, and the built body model."""

import importlib.util
import os
from pathlib import Path

import pytest

from dataengine.blender.scene.params import RenderParams


@pytest.fixture(scope="session")
def small_params() -> RenderParams:
    """Few small noisy images with everything switched on."""
    return RenderParams(
        images=4,
        width_px=96,
        height_px=96,
        samples=2,
        seed=11,
        max_people=2,
        extreme_share=0.5,
        motions=[],
        motion_share=0.0,
        joint_jitter_deg=6.0,
        occluder_share=0.5,
        truncation_share=0.3,
        workers=1,
        device="cpu",
        max_skipped_share=0.0,
        image_timeout_s=120,
        images_per_worker=500,
    )


@pytest.fixture(scope="session")
def body_cache() -> Path:
    """The body model's cache: DATAENGINE_ANNY_CACHE or the repository's own, built there once when absent."""
    for module in ("bpy", "anny"):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed: pip install 'dataengine[blender]'")
    from dataengine.blender.prepare_body import prepare_body_cache

    default = Path(__file__).parents[2] / "data" / "cache" / "anny"
    cache = Path(os.environ.get("DATAENGINE_ANNY_CACHE", default))
    prepare_body_cache(cache)
    return cache


@pytest.fixture
def importable_by_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let spawned processes unpickle what is defined in test modules."""
    monkeypatch.syspath_prepend(Path(__file__).parents[2])
