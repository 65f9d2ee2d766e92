"""Command `find-mistakes`: which labels are likely wrong, joint by joint, the likeliest first."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from dataengine.errors import InputError, ParamsError
from dataengine.format_table import FORMATS, format_named
from dataengine.formats.reading.content import Limits
from dataengine.mistakes.suspects import KINDS, Suspect, write_suspects
from dataengine.params import load_section
from dataengine.terminal.folders import folder_option, out_folder_option
from dataengine.terminal.options import PARAMS_FILE, ParamsFile
from dataengine.terminal.speech import answer

from .fit.params import BASE
from .mistakes.outsiders import outsiders_of
from .mistakes.params import SECTION, FindMistakesParams

MISTAKES, SCORES = "mistakes.json", "scores.csv"


def command(
    annotations: Annotated[Path, typer.Option(help="Annotation file or folder.")],
    images: Annotated[Path, folder_option(help="Folder of its images.")],
    out: Annotated[Path, out_folder_option(help=f"Folder for {MISTAKES}, {SCORES} and the fits; read again to go on.")],
    source_format: Annotated[str, typer.Option("--format", help=f"Format to read: {' | '.join(FORMATS)}.")] = "coco",
    blazepose: Annotated[
        Path | None, folder_option(help="Folder of the BlazePose models, for example data/fetch/mediapipe.")
    ] = None,
    adopted: Annotated[
        list[Path] | None, folder_option(help="Folder of `dataengine adopt`, of a network to ask, too; repeat it.")
    ] = None,
    networks: Annotated[bool, typer.Option(help="Fit networks on the set itself, each judging those left out.")] = True,
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Find labels that are likely wrong: sides exchanged, joints shifted, on a neighbour or of another person, flags.

    Networks are fitted on parts of the set and judge the people they have not seen; BlazePose and networks that were
    adopted (`dataengine adopt`) judge, too, where they are given, and so do limb lengths and how rare a pose is. What
    they say is weighed by how well it finds mistakes made on purpose in your own labels. With BlazePose people without labels are found, too. Your files
    are left as they are.

    Writes OUT/mistakes.json, the likeliest first, for `dataengine check --mistakes` and `dataengine select --mistakes`,
    and OUT/scores.csv with the probability of each kind and joint of everybody. Params come from section
    `find-mistakes`, and from `fit` for the networks. A search that was stopped goes on with the same command.

    Example: dataengine find-mistakes --annotations mine/people.json --images mine/images --blazepose data/fetch/mediapipe --out reports/find-mistakes
    """  # noqa: E501  an example is one line to copy
    run(
        load_section(params, SECTION, FindMistakesParams, base=BASE),
        annotations=annotations,
        images=images,
        out=out,
        source_format=source_format,
        blazepose=blazepose,
        adopted=adopted or [],
        networks=networks,
    )


def run(
    params: FindMistakesParams,
    *,
    annotations: Path,
    images: Path,
    out: Path,
    source_format: str = "coco",
    blazepose: Path | None = None,
    adopted: Sequence[Path] = (),
    networks: bool = True,
) -> list[Suspect]:
    """Write the suspects and all scores to `out`; returns the suspects.

    Raises:
        InputError: nobody is labelled, there are fewer scenes than folds, or a model's file is missing.
        ParamsError: nobody is asked: no networks and no file of another one.
    """
    from .mistakes.naming import suspects, write_scores
    from .mistakes.search import search

    outsiders = outsiders_of(blazepose, adopted)
    if not networks and not outsiders:
        raise ParamsError("nobody is asked", fix="leave out --no-networks, or give --blazepose or --adopted")
    content = format_named(source_format).read(annotations, images, Limits())
    if not len(content.people):
        raise InputError(f"{annotations} has no people", expected="labelled people")
    found = search(params, content.people, content.images, folder=out / "kept", outsiders=outsiders, networks=networks)
    listed = suspects(found, content.people, content.images, images, params.listed)
    info = {
        "annotations": str(annotations),
        "people": len(content.people),
        "witnesses": [w.name for w in found.witnesses],
        "expected_mistakes": round(float(found.verdicts.probability.sum()), 1),
    }
    write_suspects(out / MISTAKES, listed, info)
    write_scores(out / SCORES, found, content.people, content.images, images)
    _say(listed, len(content.people), out)
    return listed


def _say(listed: list[Suspect], people: int, out: Path) -> None:
    numbers = Counter(suspect.kind for suspect in listed)
    answer(f"{people} people judged, {len(listed)} suspects in {out / MISTAKES}")
    for kind, says in KINDS.items():
        if numbers[kind]:
            answer(f"{numbers[kind]:6d}  {kind}: {says}")
