"""The examples (``>>>``) in the kernel's docstrings: what they show is what the code returns."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

MODULES = (
    "dataengine.boxes",
    "dataengine.crops.spec",
    "dataengine.doctor.project_state.dvc_files",
    "dataengine.dvc_cache.enclosure",
    "dataengine.dvc_cache.temporary_copy",
    "dataengine.errors",
    "dataengine.evaluation.analysis.calibration",
    "dataengine.evaluation.analysis.resampled",
    "dataengine.evaluation.ap.oks_formula",
    "dataengine.evaluation.mpjpe",
    "dataengine.evaluation.analysis.roc",
    "dataengine.evaluation.pck",
    "dataengine.files.foreign",
    "dataengine.files.hashes",
    "dataengine.files.json_text",
    "dataengine.formats.picture_search",
    "dataengine.formats.reading.categories",
    "dataengine.formats.reading.content",
    "dataengine.formats.reading.integers",
    "dataengine.formats.reading.joints",
    "dataengine.formats.reading.plain_fields",
    "dataengine.geometry.pixel_grid",
    "dataengine.infer.side_by_side",
    "dataengine.infer.sources",
    "dataengine.judges.ranking",
    "dataengine.judges.turned_views",
    "dataengine.leakage.film_names",
    "dataengine.lifter_fits.trials",
    "dataengine.mixing",
    "dataengine.nets.heatmap",
    "dataengine.nets.simcc",
    "dataengine.params",
    "dataengine.people",
    "dataengine.person_scale",
    "dataengine.rounds.whole",
    "dataengine.serving.access",
    "dataengine.serving.shadow.differing",
    "dataengine.studies.page",
    "dataengine.studies.scene_interval",
    "dataengine.studies.seed_spread",
    "dataengine.studies.settings",
    "dataengine.terminal.speech",
    "dataengine.tracing.section",
    "dataengine.video.decoding",
)
ROOMS = ("active", "blender", "datasets", "train")


@pytest.mark.parametrize("name", MODULES)
def test_examples_show_what_the_code_returns(name: str) -> None:
    outcome = doctest.testmod(import_module(name))
    assert outcome.attempted, f"{name} has no example: write one, or take it off the list"
    assert not outcome.failed, "see the captured output"


def test_every_module_of_the_kernel_with_an_example_is_on_the_list(repository: Path) -> None:
    kernel = repository / "dataengine"
    names = {
        ".".join(path.relative_to(repository).with_suffix("").parts)
        for path in kernel.rglob("*.py")
        if path.relative_to(kernel).parts[0] not in ROOMS and ">>> " in path.read_text(encoding="utf-8")
    }
    assert names == set(MODULES)
