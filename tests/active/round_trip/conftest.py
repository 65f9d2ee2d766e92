"""A selection whose pictures go out to a tool, and what a person does in the tool."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dataengine.active.label_export import run as label_export
from dataengine.active.label_import import Imported
from dataengine.active.label_import import run as label_import
from dataengine.active.labelling.sent import sent_path
from dataengine.active.labelling.untouched import LabelImportParams

from ..conftest import Project, make_project
from ..selecting import OUT, select

TOOL, LABELS = Path("tool/coco.json"), Path("data/labels")
PARAMS = LabelImportParams(moved_px=1.0, max_untouched_share=0.95, untouched="refuse", untouched_weight=0.5)
MARK, DROP = replace(PARAMS, untouched="mark"), replace(PARAMS, untouched="drop")
JOINTS = 8 * 16  # eight people in four pictures; the teacher labels no left ear


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with a selection, made once; tests work in copies."""
    with pytest.MonkeyPatch.context() as patch:  # left at once: tests of other folders follow in this process
        folder = tmp_path_factory.mktemp("made")
        patch.chdir(folder)
        project = make_project(folder)
        select(project)
        return project


@pytest.fixture
def selected(made: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A selection in the working folder."""
    shutil.copytree(made.root, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return replace(made, root=tmp_path)


@pytest.fixture
def exported(selected: Project) -> Project:
    """A selection whose picks went out to the tool."""
    label_export(selection=OUT, out=TOOL)
    return selected


@pytest.fixture
def with_gold(selected: Project) -> Project:
    """The same with two gold frames among the picks."""
    label_export(selection=OUT, out=TOOL, gold=2, seed=3)
    return selected


def bring_back(params: LabelImportParams = PARAMS, **options: Any) -> Imported:
    return label_import(params, labels=TOOL, sent=sent_path(TOOL), out=LABELS, **options)


def edit(change: Callable[[dict[str, Any]], object]) -> None:
    """What a person does in the tool: `change` its file."""
    document = json.loads(TOOL.read_text())
    change(document)
    TOOL.write_text(json.dumps(document))


def shift(annotation: dict[str, Any], by_px: float, joints: range = range(17)) -> None:
    for joint in joints:
        annotation["keypoints"][3 * joint] += by_px if annotation["keypoints"][3 * joint + 2] else 0


def shift_all(by_px: float) -> None:
    def change(document: dict[str, Any]) -> None:
        for annotation in document["annotations"]:
            shift(annotation, by_px)

    edit(change)


def info(done: Imported) -> dict[str, Any]:
    return dict(json.loads(done.path.read_text())["info"])
