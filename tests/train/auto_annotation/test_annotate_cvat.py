"""Command annotate-cvat: the file that it writes, as cvat-cli loads it."""

import argparse
import json
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from dataengine.errors import DataEngineError, EnvironmentFault, InputError, ParamsError
from dataengine.inference.exported import load_exported
from dataengine.keypoints import COCO_KEYPOINTS
from dataengine.train import annotate_cvat
from dataengine.train.auto_annotation import function as function_module
from dataengine.train.auto_annotation.function_file import client_lines

from ..gate_round import Gate

NEEDED = "cvat-cli is not installed: pip install -c constraints.txt -e '.[annotate]'"


@pytest.fixture
def without_detector(monkeypatch: pytest.MonkeyPatch) -> None:
    """BlazePose's models are downloads: what is tested here does not need them."""
    monkeypatch.setattr(function_module, "BlazePose", lambda folder, threads: (folder, threads))


def loaded(path: Path) -> Any:
    """What cvat-cli makes of the file."""
    common = pytest.importorskip("cvat_cli._internal.common", reason=NEEDED)
    return common.FunctionLoader(None, path, {}).load()


def test_cvat_cli_loads_the_champion(rejected: Gate, exported: dict[str, Path], without_detector: None) -> None:
    pytest.importorskip("cvat_cli", reason=NEEDED)
    out = rejected.root / "new" / "pose.py"
    done = annotate_cvat.run(detector=Path("models"), out=out, registry=rejected.registry, store=rejected.store)
    assert done.model.id == load_exported(exported["good"]).id
    function = loaded(out)
    assert function.model.folder == (rejected.store / done.model.id).resolve()
    assert function.detector[0] == Path("models").resolve()
    assert [label.name for label in function.spec.labels] == ["person"]
    labels = json.loads((out.parent / "pose.labels.json").read_text())
    assert [label["name"] for label in labels] == ["person", "person_box", "nobody"]


def test_the_menu_is_told_of_the_skeleton(exported: dict[str, Path], tmp_path: Path, without_detector: None) -> None:
    """What `function create-native` posts, and what `function run-agent` compares the function with."""
    agent = pytest.importorskip("cvat_cli._internal.agent", reason=NEEDED)
    function = annotate_cvat.run(detector=Path("models"), out=tmp_path / "pose.py", model=exported["good"])
    driver = agent.get_function_driver_class(function.spec)
    assert driver.FUNCTION_KIND == "detector"
    (label,) = driver.get_remote_function_fields(function.spec)["labels_v2"]
    assert (label["name"], label["type"]) == ("person", "skeleton")
    assert [each["name"] for each in label["sublabels"]] == list(COCO_KEYPOINTS)
    remote = [{**label, "attributes": [], "sublabels": [{**each, "attributes": []} for each in label["sublabels"]]}]
    driver(None, None, function.spec).validate_function_compatibility({"labels_v2": remote})


@pytest.mark.parametrize("purpose", ["one task", "in the menu", "as long as it is to be there"])
def test_cvat_cli_takes_the_lines_that_are_printed(purpose: str) -> None:
    commands = pytest.importorskip("cvat_cli._internal.commands_all", reason=NEEDED)
    common = pytest.importorskip("cvat_cli._internal.common", reason=NEEDED)
    parser = argparse.ArgumentParser(exit_on_error=False)
    common.configure_common_arguments(parser)
    commands.COMMANDS.configure_parser(parser)
    out = Path("my models/it's pose.py")
    program, *arguments = shlex.split(client_lines(out)[purpose])
    numbers = {"TASK": "12", "ID": "3"}
    parsed = parser.parse_args([numbers.get(word, word) for word in arguments])
    assert program == "cvat-cli"
    assert (parsed.server_host, parsed.function_file) == ("HOST", out)


def test_every_line_is_said(
    exported: dict[str, Path], tmp_path: Path, without_detector: None, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("cvat_sdk", reason=NEEDED)
    out = tmp_path / "pose.py"
    annotate_cvat.command(detector=Path("models"), out=out, model=exported["good"])
    said = capsys.readouterr().err
    assert load_exported(exported["good"]).id in said
    assert all(line in said for line in client_lines(out).values())


def test_another_model_in_the_folder_is_refused(
    exported: dict[str, Path], tmp_path: Path, without_detector: None
) -> None:
    pytest.importorskip("cvat_cli", reason=NEEDED)
    out = tmp_path / "pose.py"
    model = annotate_cvat.run(detector=Path("models"), out=out, model=exported["good"]).model
    other = load_exported(exported["bad"])
    out.write_text(out.read_text().replace(str(model.folder.resolve()), str(other.folder.resolve())))
    with pytest.raises(InputError, match=f"expected {model.id}, got {other.id}"):
        loaded(out)


@pytest.mark.parametrize(
    ("options", "fault", "reason"),
    [
        ({}, ParamsError, "no model is given"),
        ({"registry": Path("registry.json")}, ParamsError, "no model is given"),
        ({"registry": "fresh", "store": Path("store")}, InputError, "has no champion"),
        ({"model": Path("nothing"), "out": Path("pose.txt")}, InputError, "a Python file"),
    ],
)
def test_faults_are_refused_and_nothing_is_written(
    compared: Gate, tmp_path: Path, options: dict[str, Any], fault: type[DataEngineError], reason: str
) -> None:
    given = {name: compared.registry if value == "fresh" else value for name, value in options.items()}
    with pytest.raises(fault, match=reason):
        annotate_cvat.run(**{"detector": Path("models"), "out": tmp_path / "new" / "pose.py", **given})
    assert not (tmp_path / "new").exists()


def test_without_cvats_client_a_line_says_how_to_install_it(
    exported: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cvat_sdk", None)
    monkeypatch.setitem(sys.modules, "cvat_sdk.auto_annotation", None)
    with pytest.raises(EnvironmentFault, match="annotate"):
        annotate_cvat.run(detector=Path("models"), out=tmp_path / "pose.py", model=exported["good"])
    assert not list(tmp_path.iterdir())
