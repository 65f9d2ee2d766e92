"""Fixtures of the synthetic people: small params, the built body model, Blender's Python, and tests that run in it.

A test marked `in_blender` runs inside Blender's Python: all of a file's at once, in one process, and each is reported
here as if it had run here.
"""

import json
import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from dataengine.blender.scene.params import RenderParams
from dataengine.blender.workers.interpreter import about, blender_python
from dataengine.blender.workers.process import WorkerProcess, environment
from dataengine.errors import EnvironmentFault

from ..helpers.body_cache import INSIDE, body_cache, lacking  # noqa: F401  a fixture

_ENDED = pytest.StashKey[dict[Path, dict[str, tuple[str, str]]]]()


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
def blenders_python() -> Path:
    """The interpreter that has Blender."""
    try:
        python = blender_python("")
        about(python)
    except EnvironmentFault as fault:
        lacking(str(fault))
    return python


@pytest.fixture
def makers_can_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `ask` find tests/blender/workers/worker_makers.py; no code of the project has it look anywhere else."""
    start, folder = WorkerProcess.__init__, Path(__file__).with_name("workers")
    monkeypatch.setattr(WorkerProcess, "__init__", lambda self, *a, **k: start(self, *a, **k, search=(folder,)))


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Have a test marked `in_blender` run there; None leaves other tests to pytest."""
    if pyfuncitem.get_closest_marker("in_blender") is None or INSIDE in os.environ:
        return None
    ended = pyfuncitem.session.stash.setdefault(_ENDED, {})
    if pyfuncitem.path not in ended:
        ended[pyfuncitem.path] = _run_inside(pyfuncitem)
    outcome, text = ended[pyfuncitem.path][pyfuncitem.nodeid]
    if outcome != "passed":
        pytest.fail(f"inside Blender's Python: {outcome}\n{text}", pytrace=False)  # none of these may be skipped
    return True


def _run_inside(first: pytest.Function) -> dict[str, tuple[str, str]]:
    """Run all selected tests of a file that are marked, in one process of Blender's Python."""
    try:
        python = blender_python("")
        about(python)
    except EnvironmentFault as fault:
        lacking(str(fault))
    chosen = [each for each in first.session.items if each.path == first.path]
    nodes = [each.nodeid for each in chosen if each.get_closest_marker("in_blender")]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [str(python), "-P", str(Path(__file__).with_name("inside.py")), str(report), *nodes]
        own = environment() | {INSIDE: "1"}
        done = subprocess.run(command, cwd=first.config.rootpath, env=own, capture_output=True, text=True)
        if not report.exists():
            pytest.fail(f"pytest does not run in {python}:\n{done.stdout}\n{done.stderr}", pytrace=False)
        found: dict[str, tuple[str, str]] = json.loads(report.read_text(encoding="utf-8"))
    missed = ("failed", f"pytest did not reach it there:\n{done.stdout[-4000:]}\n{done.stderr[-2000:]}")
    return {node: found.get(node, missed) for node in nodes}
