"""What `select` refuses, in one line."""

from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dataengine.active.manifest.files import read_selection
from dataengine.active.query.select_params import ScoreWeights
from dataengine.cli import app
from dataengine.coco_json import read_people, write_people
from dataengine.errors import InputError, ParamsError

from .conftest import Project
from .selecting import OUT, PARAMS, select


@pytest.mark.parametrize("damage", ["candidates", "image", "weights", "nobody labelled"])
def test_damaged_inputs_are_input_errors(project: Project, damage: str) -> None:
    if damage == "candidates":
        project.candidates.write_text("{")
    elif damage == "image":
        next(Path("pool/c_images").iterdir()).unlink()
    elif damage == "weights":
        (project.student / "model.safetensors").write_bytes(b"no weights")
    else:
        for path in (project.labelled, project.val):
            people, images = read_people(path, root=project.root)
            write_people(path, people.take([]), images)
    with pytest.raises(InputError):
        select(project)
    assert not OUT.exists()


def test_a_changed_manifest_is_found_out(project: Project) -> None:
    select(project)
    text = (OUT / "to_label.json").read_text()
    (OUT / "to_label.json").write_text(text.replace('"rank": 0', '"rank": 7'))
    with pytest.raises(InputError, match="changed after it was written"):
        read_selection(OUT)
    (OUT / "to_label.json").write_text("[]")
    with pytest.raises(InputError, match="not a manifest"):
        read_selection(OUT)


@pytest.mark.parametrize(
    "wrong",
    [
        {"strategy": "guess"},
        {"budget": 0},
        {"budget": 0.5},
        {"budget": 0, "budget_unit": "minutes"},
        {"budget_unit": "hours"},
        {"seconds_per_joint": 0},
        {"film_excess": 0.5},
        {"appearance_weight": 1.5},
    ],
    ids=str,
)
def test_parameters_out_of_range_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ParamsError):
        replace(PARAMS, **wrong)  # type: ignore[arg-type]


def test_weights_out_of_range_are_refused() -> None:
    with pytest.raises(ParamsError):
        ScoreWeights(spread=0, entropy=0, flip=0, teacher=0)
    with pytest.raises(ParamsError):
        ScoreWeights(spread=-1)


def test_help_teaches() -> None:
    shown = CliRunner().invoke(app, ["select", "--help"])
    assert shown.exit_code == 0
    assert "dataengine select --student" in " ".join(shown.output.split())
