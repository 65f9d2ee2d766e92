"""Command `fit-lifter`: learn joints in space from joints along a film, on drawn motions and teachers' tracks."""

from pathlib import Path
from typing import Annotated, Any

import typer

from dataengine.errors import InputError, ParamsError
from dataengine.files import sha256_file
from dataengine.inference.network_files import MODELS
from dataengine.judges.kept import AskedTeachers
from dataengine.judges.options import FETCHED, Calibration, Fetched, SecondTeacher
from dataengine.lifting.checkpoint import refuse_foreign, save_lifter
from dataengine.lifting.fitting import LifterData, fit_lifter, forget_state
from dataengine.lifting.motions import read_motions_file
from dataengine.lifting.observed import MeasuredErrors, RayTrack
from dataengine.lifting.params import LifterParams
from dataengine.multiview.qualisys import read_calibration
from dataengine.params import load_section
from dataengine.terminal.folders import kept_folder_option, out_folder_option
from dataengine.terminal.options import PARAMS_FILE, ParamsFile
from dataengine.terminal.speech import answer, say
from dataengine.tracking.labelled_films import LabelledFilm, read_film_set

from .teacher_tracks import measured_errors, seen_tracks

ANSWERS = Path("reports/compare-judges/answers")


def command(
    motions: Annotated[Path, typer.Option(help="File that draw-motions wrote.")],
    out: Annotated[Path, out_folder_option(help="Folder of the lifter: lifter.safetensors and lifter.json.")],
    films: Annotated[
        list[Path] | None, typer.Option(help="COCO JSON of films with labelled people: teachers' errors; repeat it.")
    ] = None,
    leave_first: Annotated[int, typer.Option(help="Leave out the first n films of each set by name.")] = 0,
    unlabelled: Annotated[
        list[Path] | None, typer.Option(help="COCO JSON of films whose labels count for nothing but boxes; repeat it.")
    ] = None,
    teacher: SecondTeacher = None,
    calibration: Calibration = None,
    fetched: Fetched = FETCHED,
    answers: Annotated[Path, kept_folder_option(help="Folder in which teachers' answers are kept.")] = ANSWERS,
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Fit a lifter in a minute or two on two cores: from 2D tracks of people to 3D ones.

    It learns from people who move in space, seen by virtual cameras, with the errors that BlazePose and --teacher make
    along --films laid over them; no picture is rendered for it. With --unlabelled, their tracks in those films take part
    as well: what is lifted from them has to project back onto them, with bones as long as those of labelled people.
    Section `fit-lifter` of params.yaml sets the receptive field, by `filter_widths`. A fit that was stopped goes on.

    Example: dataengine fit-lifter --motions data/motions/train.npz --films data/clips/people.json --out models/lifter
    """  # noqa: E501  an example is one line to copy
    run(
        load_section(params, "fit-lifter", LifterParams),
        motions,
        out,
        films=films or [],
        leave_first=leave_first,
        unlabelled=unlabelled or [],
        teacher=teacher,
        calibration=calibration,
        fetched=fetched,
        answers=answers,
    )


def run(
    params: LifterParams,
    motions: Path,
    out: Path,
    *,
    films: list[Path],
    leave_first: int = 0,
    unlabelled: list[Path],
    teacher: Path | None = None,
    calibration: Path | None = None,
    fetched: Path = Path("data/fetch"),
    answers: Path = ANSWERS,
) -> dict[str, Any]:
    """Write the lifter into `out`; its lineage is returned.

    Raises:
        InputError: a file is not what it should be, or a teacher's model is missing.
        ParamsError: `leave_first` is negative.
    """
    if leave_first < 0:
        raise ParamsError("--leave-first does not fit", expected="0 or more", got=str(leave_first))
    refuse_foreign(out)
    drawn = read_motions_file(motions)
    cameras = read_calibration(calibration) if calibration else []
    asked = AskedTeachers(fetched / MODELS, teacher, answers)
    seen = seen_tracks([film for given in films for film in _films_after(given, leave_first)], asked, cameras)
    if not films:
        say("fit-lifter: no --films, so the lifter learns from tracks without errors")
    errors = measured_errors(seen) if films else MeasuredErrors.none()
    free: list[RayTrack] = [
        each.track for given in unlabelled for each in seen_tracks(_films_after(given, leave_first), asked, cameras)
    ]
    net, losses = fit_lifter(out, params, LifterData(drawn, errors, free))
    lineage = {
        "command": "fit-lifter",
        "motions_sha256": sha256_file(motions),
        "motions": len(drawn),
        "films": [str(path) for path in films],
        "left_out": leave_first,
        "error_tracks": len(seen),
        "unlabelled": [str(path) for path in unlabelled],
        "unlabelled_tracks": len(free),
        "teachers": sorted({each.teacher for each in seen}),
        "losses": {name: round(value, 5) for name, value in losses.items()},
    }
    save_lifter(out, net, params, lineage)
    forget_state(out)
    answer(
        f"{out}: receptive field {params.receptive_field} frames, "
        + ", ".join(f"{k} {v:.3f}" for k, v in losses.items())
    )
    return lineage


def _films_after(given: Path, leave_first: int) -> list[LabelledFilm]:
    """The films of a set but the first `leave_first`; InputError where none is left."""
    films = read_film_set(given)
    if leave_first >= len(films):
        expected = f"fewer than its {len(films)} films"
        raise InputError(f"--leave-first leaves nothing of {given}", expected=expected, got=str(leave_first))
    return films[leave_first:]
