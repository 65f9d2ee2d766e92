"""Stage fit-student: the network to ship, fitted on the mix and on pseudo-labels weighted by trust."""

from pathlib import Path
from typing import Annotated

import typer

from dataengine.evaluation.ap.protocol import COCO, OksProtocol
from dataengine.evaluation.own_sigmas import load_protocol
from dataengine.terminal.folders import folder_option
from dataengine.terminal.options import PARAMS_FILE, HeldOut, ParamsFile

from .fit.options import CheckpointFolder, MixFolder, ReportFolder, Validation
from .unlabelled.student_params import FitStudentParams


def command(
    mix: MixFolder,
    pseudo: Annotated[Path, typer.Option(help="People that pseudo-label kept, COCO JSON with weights.")],
    val: Validation,
    out: CheckpointFolder,
    report: ReportFolder,
    held_out: HeldOut = None,
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
    from .fit.start import load_settled

    section, protocol = load_settled(params, "fit-student", FitStudentParams), load_protocol(params)
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
    from .fit.data import read_given
    from .fit.loop import fit
    from .unlabelled.reading import read_unlabelled

    given = read_given(
        params,
        mix,
        val,
        held_out=held_out,
        protocol=protocol,
        pseudo=pseudo,
        pseudo_per_real=params.pseudo_per_real,
    )
    without = read_unlabelled(params.consistency, unlabelled, given.training, balance=balance, held_out=held_out)
    return fit(
        "fit-student",
        params,
        given.training,
        given.validation,
        out=out,
        report=report,
        files=given.files,
        distill=params.distill,
        unlabelled=without,
    )
