"""Command `adopt`: how an unknown pose network wants to be fed and read, found out on labelled people."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from dataengine.adopted.contract import Contract
from dataengine.adopted.folder import adopted_names, write_adopted
from dataengine.adopted.opening import open_network
from dataengine.coco_json import read_people
from dataengine.errors import InputError, ParamsError
from dataengine.files import atomic_path, sha256_file
from dataengine.format_table import format_named
from dataengine.formats.reading.content import Limits
from dataengine.keypoints import UNLABELLED
from dataengine.people import Images, People
from dataengine.terminal.folders import contents_of_ours, folder_option, out_folder_option
from dataengine.terminal.speech import answer

from .outside.findings import facts, page
from .outside.search import find_contract

PAGE = "adopted.md"
FEWEST_PEOPLE = 10
FEWEST_JOINTS = 5  # labelled in a person, or hardly any order of joints is ruled out
FLOOR = 0.3


def command(
    model: Annotated[Path, typer.Argument(help="ONNX file of a pose network.")],
    people: Annotated[Path, typer.Option(help="COCO JSON of labelled people; 50 are enough.")],
    out: Annotated[Path, out_folder_option(help=f"Folder to write: model.onnx, its sidecar model.json, and {PAGE}.")],
    images: Annotated[
        Path | None, folder_option(help="Folder of the images.", show_default="as the JSON names them")
    ] = None,
    floor: Annotated[
        float, typer.Option(help="Least mean OKS of the best contract, else the network is refused.")
    ] = FLOOR,
    most: Annotated[int, typer.Option(help="People to try it on, spread over the file.")] = 50,
    vouch_unseen: Annotated[
        bool,
        typer.Option(
            "--vouch-unseen",
            help="Vouch that it has learnt from none of your pictures: else `compare` never promotes it.",
        ),
    ] = False,
    threads: Annotated[int, typer.Option(help="Threads of ONNX Runtime.")] = 2,
) -> None:
    """Find out how an unknown pose network wants to be fed and read, and write the sidecar that says so.

    Every contract that the graph's shapes allow is tried on labelled people: order of channels, normalisation, the
    person's box (grown to the input's aspect or stretched, its padding) or the whole picture (letterboxed or
    stretched), heatmaps (plain, DARK, UDP), SimCC axes, coordinates or lists of detections, the pixel grid, and the
    order of the joints, also with left and right exchanged. Options are compared person by person; of those that cannot
    be distinguished the commonest is taken, and the table says so. Where no contract reaches --floor nothing is
    written, and the closest one is named.

    The file is checked before it is run: custom operators and weights outside its folder are refused. The folder that
    is written can be scored and compared like any model, and be the fitted teacher of `pseudo-label`: docs/adopt.md.

    Example: dataengine adopt movenet-thunder.onnx --people data/ingest/val.json --out models/movenet
    """
    run(
        model,
        people=people,
        out=out,
        images=images,
        floor=floor,
        most=most,
        is_unseen=vouch_unseen,
        threads=threads,
    )


def run(
    model: Path,
    *,
    people: Path,
    out: Path,
    images: Path | None = None,
    floor: float = FLOOR,
    most: int = 50,
    is_unseen: bool = False,
    threads: int = 2,
) -> Contract:
    """Write the adopted network to `out` and return its contract.

    Raises:
        InputError: the file is not a pose network that can be read, answers nobody well enough, or too few people are
            labelled.
        ParamsError: `floor` or `most` is out of range.
    """
    if not 0 <= floor < 1 or most < FEWEST_PEOPLE:
        raise ParamsError("--floor or --most is out of range", expected=f"floor 0 to 1, most {FEWEST_PEOPLE} or more")
    contents_of_ours(out, adopted_names(out) | {PAGE}, "an adopted network")  # it is replaced
    network = open_network(model, threads)
    labelled, pictures = _labelled(people, images, most)
    found = find_contract(network, labelled, pictures)
    mean = float(found.oks.mean())
    if mean < floor:
        raise InputError(
            f"{model} is not adopted: no contract answers the people",
            expected=f"a mean OKS of {floor:g} on {len(labelled)} people",
            got=f"{mean:.3f} by the closest, {found.contract.line()}",
            fix="check that the file is a pose network and the labels are right, or lower --floor",
        )
    source = {"file": model.name, "people_file": people.name, "people_sha256": sha256_file(people)}
    write_adopted(out, model, found.contract, facts(found, labelled, source), is_unseen=is_unseen)
    text = page(model.name, found, labelled)
    with atomic_path(out / PAGE) as partial:
        partial.write_text(text, encoding="utf-8")
    answer(text)
    return found.contract


def _labelled(path: Path, folder: Path | None, most: int) -> tuple[People, Images]:
    """At most `most` people with enough labelled joints and a box, spread over the file."""
    if folder is None:
        people, images = read_people(path)
    else:
        content = format_named("coco").read(path, folder, Limits())
        people, images = content.people, content.images
    enough = (people.visibility > UNLABELLED).sum(axis=1) >= FEWEST_JOINTS
    rows = np.flatnonzero(enough & (people.bbox_xywh_px[:, 2:] > 0).all(axis=1))
    if len(rows) < FEWEST_PEOPLE:
        expected = f"{FEWEST_PEOPLE} people or more with a box and {FEWEST_JOINTS} labelled joints"
        raise InputError(f"{path} has too few labelled people", expected=expected, got=str(len(rows)))
    taken = np.unique(np.linspace(0, len(rows) - 1, min(most, len(rows))).round().astype(np.int64))
    return people.take(rows[taken]), images
