"""Stage fit-teacher: a network fitted on the mix, which then helps to label the pool."""

from pathlib import Path
from typing import Annotated

import typer

from dataengine.evaluation.ap.protocol import COCO, OksProtocol
from dataengine.evaluation.own_sigmas import load_protocol
from dataengine.params import load_section
from dataengine.terminal.folders import folder_option, replaced_folder_option
from dataengine.terminal.options import PARAMS_FILE, ParamsFile

from .fit.params import BASE, CHECKPOINT_FILES, REPORT_FILES, FitParams


def command(
    mix: Annotated[Path, folder_option(help="Folder that the stage mix wrote: train.json and recipe.json.")],
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
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Fit the teacher network on the mix of real and synthetic people.

    Validates after every epoch (OKS AP, PCK@0.2) and ships the average of the weights. A run that was killed continues
    from its last whole epoch when it is started again with the same params and data.

    Params come from section `fit-teacher`, and from `fit` for what both fits share: first look at network, epochs,
    batch, learning_rate and start_from.

    Example: dataengine fit-teacher --mix data/mix --val data/ingest/val.json --held-out data/ingest/held_out.json --out models/fit-teacher --report reports/fit-teacher
    """  # noqa: E501  an example is one line to copy
    from .fit.start import settled

    own = load_section(params, "fit-teacher", FitParams, base=BASE)
    section = settled(own, params, "fit-teacher")
    run(section, mix=mix, val=val, out=out, report=report, held_out=held_out, protocol=load_protocol(params))


def run(
    params: FitParams,
    *,
    mix: Path,
    val: Path,
    out: Path,
    report: Path,
    held_out: Path | None = None,
    protocol: OksProtocol = COCO,
) -> dict[str, float]:
    """Fit on the mix and return the final figures on `val`; a picture that `held_out` names is an `InputError`."""
    from .fit.data import files_of, read_training_set, read_validation_set, refuse_learning
    from .fit.loop import fit
    from .fit.start import crop_spec

    training = read_training_set(mix, None, 0.0, params.replay, params.only, params.curriculum)
    refuse_learning(held_out, training)
    validation = read_validation_set(val, crop_spec(params), protocol)
    files = [*files_of(mix, params), val]
    return fit("fit-teacher", params, training, validation, out=out, report=report, files=files)
