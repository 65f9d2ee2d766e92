"""Command `annotate-cvat`: the champion, or any export, as an auto-annotation function of CVAT.

`run` opens the model as CVAT will (`auto_annotation/function.py`) and writes the file for cvat-cli, which talks to the
server (`auto_annotation/function_file.py`).
"""

from pathlib import Path
from typing import Annotated

import typer

from dataengine.errors import InputError, ParamsError
from dataengine.formats.tools.cvat_writing import labels_path
from dataengine.registry.registry_file import read_registry
from dataengine.registry.store import stored_model
from dataengine.terminal.folders import folder_option, out_file_option
from dataengine.terminal.speech import say

from .auto_annotation.function import PoseFunction, create
from .auto_annotation.function_file import client_lines, write_function_file


def command(
    detector: Annotated[Path, folder_option(help="Folder of BlazePose's models, which finds the people.")],
    out: Annotated[Path, out_file_option(help="Python file to write for cvat-cli.")],
    model: Annotated[Path | None, folder_option(help="Folder that export wrote; by default the champion's.")] = None,
    registry: Annotated[Path | None, typer.Option(help="The registry file, which names the champion.")] = None,
    store: Annotated[Path | None, folder_option(help="Folder with the artefacts of promoted models.")] = None,
) -> None:
    """Put the champion, or the export of --model, into CVAT as an auto-annotation function.

    Checks that the model runs here and writes OUT, which cvat-cli takes as --function-file, and next to it
    OUT.labels.json, the labels that a project needs (paste them into the Raw tab of its labels). With `task
    auto-annotate` cvat-cli asks for every picture of a task and uploads the answers. With `function create-native` and
    `function run-agent` the model stands in the menu of CVAT, AI Tools, as long as the agent runs; CVAT Online and
    Enterprise have that. Both run the model on this machine, so dataengine has to be installed where cvat-cli is:
    pip install -c constraints.txt -e '.[annotate]'.

    OUT names this one model and refuses any other in its place: run the command again after a promotion.

    Example: dataengine annotate-cvat --registry models/registry.json --store models/registry --detector data/fetch/mediapipe --out models/cvat/pose.py
    """  # noqa: E501  an example is one line to copy
    done = run(detector=detector, out=out, model=model, registry=registry, store=store)
    say(f"{out}: model {done.model.id}; {done.chosen.line()}")
    say(f"labels of the project, Raw tab: {labels_path(out)}")
    for purpose, line in client_lines(out).items():
        say(f"{purpose}: {line}")


def run(
    *,
    detector: Path,
    out: Path,
    model: Path | None = None,
    registry: Path | None = None,
    store: Path | None = None,
) -> PoseFunction:
    """Write the file; returns the function that it gives.

    Raises:
        DataEngineError: the registry has no champion, a file is missing or damaged, or something is not installed.
    """
    if out.suffix != ".py":
        raise InputError(f"--out {out}", expected="the name of a Python file, such as pose.py")
    function = create(_folder(model, registry, store), detector)
    write_function_file(out, function, detector)
    return function


def _folder(model: Path | None, registry: Path | None, store: Path | None) -> Path:
    if model is not None:
        return model
    if registry is None or store is None:
        raise ParamsError("no model is given", fix="give --model, or --registry and --store for the champion")
    champion = read_registry(registry).champion
    if champion is None:
        raise InputError(f"{registry} has no champion", fix="promote a model, or give --model")
    return stored_model(champion, store).folder
