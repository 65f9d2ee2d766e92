"""The render benchmark: figures worked out by hand, and a few real images."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dataengine.blender.bench import render
from dataengine.blender.bench.noting import Made
from dataengine.blender.bench.render import render_figures
from dataengine.params import load_section


def notes(worker: int, gaps: list[float], cycles: list[float], held: list[float]) -> list[Made]:
    saved = [sum(gaps[: row + 1]) for row in range(len(gaps))]
    return [Made(worker, s, c, h, max(held)) for s, c, h in zip(saved, cycles, held, strict=True)]


def test_figures_by_hand() -> None:
    first = notes(1, [99.0, 2.0, 3.0], [50.0, 1.0, 4.0], [400.0, 410.0, 420.0])
    second = notes(2, [80.0, 2.5, 2.5], [50.0, 2.0, 2.0], [500.0, 600.0, 505.0])
    found = {figure.name: figure for figure in render_figures([first, second])}
    assert found["render.images_per_s"].ours == pytest.approx(2 / 5 + 2 / 5)
    assert found["render.images_per_s"].peer == pytest.approx(2 / 5 + 2 / 4)
    assert found["render.wall_over_cycles"].ours == pytest.approx(10 / 9)
    assert found["render.worker_mb"].ours == 600
    assert found["render.growth_mb"].ours == 20


def test_held_memory_grows_with_what_is_held() -> None:
    """In a process of its own: one that ran other tests may meanwhile give back what they held."""
    script = """
from dataengine.blender.bench.noting import held_mb
before = held_mb()
block = b"x" * 50_000_000
print(held_mb() - before, len(block))
"""
    grown, held = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout.split()
    assert 40 < float(grown) < 80
    assert held == "50000000"


@pytest.mark.bpy
@pytest.mark.slow
@pytest.mark.usefixtures("blenders_python")
def test_a_few_real_images(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not (repository / render.BODY_CACHE).is_dir():
        pytest.skip("the body model is not built: dataengine prepare-body --cache data/cache/anny")
    monkeypatch.chdir(repository)

    def small(path: Path, section: str, cls: type[Any]) -> Any:
        return replace(load_section(path, section, cls), max_people=1)

    monkeypatch.setattr(render, "load_section", small)
    found = {figure.name: figure for figure in render.run(6)}
    assert set(found) == {f"render.{name}" for name in ("images_per_s", "wall_over_cycles", "worker_mb", "growth_mb")}
    assert found["render.wall_over_cycles"].ours > 1
    assert 200 < found["render.worker_mb"].ours < 4000
    peer = found["render.images_per_s"].peer
    assert peer is not None and found["render.images_per_s"].ours < peer
