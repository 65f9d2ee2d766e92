"""Stage fit-student: the network to ship, fitted on the mix and on pseudo-labels weighted by trust."""

from pathlib import Path
from typing import Annotated

import typer

from dataengine.evaluation.ap.protocol import COCO, OksProtocol
from dataengine.evaluation.own_sigmas import load_protocol
from dataengine.params import load_section
from dataengine.terminal.folders import folder_option, replaced_folder_option
from dataengine.terminal.options import PARAMS_FILE, ParamsFile

from .fit.params import BASE, CHECKPOINT_FILES, REPORT_FILES
from .unlabelled.student_params import FitStudentParams


def command(
    mix: Annotated[Path, folder_option(help="Folder that the stage mix wrote: train.json and recipe.json.")],
    pseudo: Annotated[Path, typer.Option(help="People that pseudo-label kept, COCO JSON with weights.")],
    val: Annotated[Path, typer.Option(help="Labelled people to validate on, COCO JSON.")],
    out: Annotated[
        Path,
        replaced_folder_option(
            holds=CHECKPOINT_FILES, help="Checkpoint folder to write: model.safetensors, model.json."
        ),
    ],
    report: Annotated[
        Path, replaced_folder_option(holds=REPORT_FILES, help="Folder for curves, metrics.json and a picture.")
    ],
    held_out: Annotated[
        Path | None, typer.Option(help="held_out.json of ingest: pictures of validation and test are refused.")
    ] = None,
    unlabelled: Annotated[
        Path | None, typer.Option(help="People of whom the boxes count, COCO JSON: for consistency.")
    ] = None,
    balance: Annotated[
        Path | None, folder_option(help="Folder of balance: people of rare clusters get more joints blotted out.")
    ] = None,
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Fit the student on the mix plus weighted pseudo-labels.

    Validates after every epoch (OKS AP, PCK@0.2) and ships the average of the weights. A run that was killed continues
    from its last whole epoch when it is started again with the same params and data.

    Params come from section `fit-student`, and from `fit` for what both fits share: first look at network, epochs,
    batch, learning_rate and start_from; pseudo_per_real is the number of pseudo-labelled people drawn per real one, and
    distill names a teacher to learn from as well. With consistency.mode the student also learns from the people of
    --unlabelled, for example candidates.json of pseudo-label: a teacher that grows with it (ema: its own average; two:
    a second network) answers the plain crop, and the student is to find the same joints in a turned, recoloured one with
    joints blotted out. The fit stops with one line where that makes it collapse.

    Example: dataengine fit-student --mix data/mix --pseudo data/pseudo-label/people.json --unlabelled data/pseudo-label/candidates.json --balance data/balance --val data/ingest/val.json --held-out data/ingest/held_out.json --out models/fit-student --report reports/fit-student
    """  # noqa: E501  an example is one line to copy
    from .fit.start import settled

    own = load_section(params, "fit-student", FitStudentParams, base=BASE)
    section = settled(own, params, "fit-student")
    protocol = load_protocol(params)
    paths = {"mix": mix, "pseudo": pseudo, "val": val, "out": out, "report": report}
    run(section, **paths, held_out=held_out, unlabelled=unlabelled, balance=balance, protocol=protocol)


def run(
    params: FitStudentParams,
    *,
    mix: Path,
    pseudo: Path,
    val: Path,
    out: Path,
    report: Path,
    held_out: Path | None = None,
    unlabelled: Path | None = None,
    balance: Path | None = None,
    protocol: OksProtocol = COCO,
) -> dict[str, float]:
    """Fit on mix and pseudo-labels and return the final figures on `val`; `InputError` as in `fit_teacher.run`."""
    from .fit.data import files_of, read_training_set, read_validation_set, refuse_learning
    from .fit.loop import fit
    from .fit.start import crop_spec
    from .unlabelled.reading import read_unlabelled

    training = read_training_set(mix, pseudo, params.pseudo_per_real, params.replay, params.only, params.curriculum)
    refuse_learning(held_out, training)
    validation = read_validation_set(val, crop_spec(params), protocol)
    files = [*files_of(mix, params), pseudo, val]
    without = read_unlabelled(params.consistency, unlabelled, training, balance=balance, held_out=held_out)
    return fit(
        "fit-student",
        params,
        training,
        validation,
        out=out,
        report=report,
        files=files,
        distill=params.distill,
        unlabelled=without,
    )
