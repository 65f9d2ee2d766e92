"""Stage fit-teacher: a network fitted on the mix, which then helps to label the pool."""

from pathlib import Path

from dataengine.evaluation.ap.protocol import COCO, OksProtocol
from dataengine.evaluation.own_sigmas import load_protocol
from dataengine.terminal.options import PARAMS_FILE, HeldOut, ParamsFile

from .fit.options import CheckpointFolder, MixFolder, ReportFolder, Validation
from .fit.params import FitParams


def command(
    mix: MixFolder,
    val: Validation,
    out: CheckpointFolder,
    report: ReportFolder,
    held_out: HeldOut = None,
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Fit the teacher network on the mix of real and synthetic people.

    Validates after every epoch (OKS AP, PCK@0.2) and ships the average of the weights. A run that was killed continues
    from its last whole epoch when it is started again with the same params and data.

    Params come from section `fit-teacher`, and from `fit` for what both fits share: first look at network, epochs,
    batch, learning_rate and start_from.

    Example: dataengine fit-teacher --mix data/mix --val data/ingest/val.json --held-out data/ingest/held_out.json --out models/fit-teacher --report reports/fit-teacher
    """  # noqa: E501  an example is one line to copy
    from .fit.start import load_settled

    section = load_settled(params, "fit-teacher", FitParams)
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
    from .fit.data import read_given
    from .fit.loop import fit

    given = read_given(params, mix, val, held_out=held_out, protocol=protocol)
    return fit("fit-teacher", params, given.training, given.validation, out=out, report=report, files=given.files)
