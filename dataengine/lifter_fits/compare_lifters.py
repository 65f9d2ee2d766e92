"""Command `compare-lifters`: how well joints are lifted, by receptive field, with and without tracks without labels."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from dataengine.errors import InputError, ParamsError
from dataengine.inference.network_files import MODELS
from dataengine.judges.kept import AskedTeachers
from dataengine.judges.options import FETCHED, Calibration, Fetched, SecondTeacher
from dataengine.lifting.body import root_of
from dataengine.lifting.drawing import draw_windows
from dataengine.lifting.film_cameras import film_places
from dataengine.lifting.fitting import LifterData
from dataengine.lifting.motions import read_motions_file
from dataengine.lifting.params import LifterParams
from dataengine.multiview.qualisys import read_calibration
from dataengine.params import load_section
from dataengine.studies.one_at_a_time import one_at_a_time
from dataengine.studies.page import command_line
from dataengine.studies.settings import arrays_hash, parse_seeds
from dataengine.terminal.folders import kept_folder_option, out_folder_option
from dataengine.terminal.options import PARAMS_FILE, ParamsFile
from dataengine.terminal.speech import answer, say
from dataengine.tracking.labelled_films import read_film_set

from .accuracy import accuracy_of, still_pose
from .drawn_tracks import drawn_tracks
from .fit_lifter import ANSWERS
from .lifters_page import PAGE, write_lifters_page
from .teacher_tracks import SeenTrack, measured_errors, seen_tracks
from .trials import TrialResult, planned, trial_result

WINDOWS = 4096  # from which the mean pose is taken


def command(
    motions: Annotated[Path, typer.Option(help="File of draw-motions to learn from.")],
    held_out: Annotated[Path, typer.Option(help="File of draw-motions with other recordings and another seed.")],
    films: Annotated[
        list[Path], typer.Option(help="COCO JSON of films with people known in space; repeat it. `A,B` is one set.")
    ],
    report: Annotated[Path, out_folder_option(help="Folder for lifting.md, lifting.png, metrics.json and the fits.")],
    first: Annotated[int, typer.Option(help="Measure on the first n films of each set by name; the rest teach.")] = 6,
    fields: Annotated[
        list[int] | None,
        typer.Option(help="Receptive field, a power of 3; repeat it.", show_default="1, 27 and 81"),
    ] = None,
    seed: Annotated[list[int] | None, typer.Option(help="Seed of a fit; repeat it.", show_default="0")] = None,
    teacher: SecondTeacher = None,
    calibration: Calibration = None,
    fetched: Fetched = FETCHED,
    answers: Annotated[Path, kept_folder_option(help="Folder in which teachers' answers are kept.")] = ANSWERS,
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Measure MPJPE and PA-MPJPE of lifters by receptive field, supervised alone and semi-supervised.

    Teachers' errors are measured on the films of each set after the first n, and laid over the drawn motions. Without
    labels learn: the teachers' tracks in those films, and in sets that are measured as a whole, whose labels nothing
    looks at but the measurement. The page has one table for each set and teacher, and for held-out motions with the
    errors of the measured films. A study that was stopped goes on: fits are kept in REPORT/fits.

    Example: dataengine compare-lifters --motions data/motions/train.npz --held-out data/motions/held_out.npz --films data/clips/people.json --report reports/compare-lifters
    """  # noqa: E501  an example is one line to copy
    given = {"teacher": teacher, "calibration": calibration}
    stated = {name: value for name, value in given.items() if value is not None}
    fields, seeds = fields or [1, 27, 81], seed or [0]
    options = {"motions": motions, "held_out": held_out, "films": films, "first": first, "fields": fields}
    run(
        load_section(params, "fit-lifter", LifterParams),
        motions,
        held_out,
        films,
        report,
        first=first,
        fields=fields,
        seeds=seeds,
        teacher=teacher,
        calibration=calibration,
        fetched=fetched,
        answers=answers,
        called=command_line("compare-lifters", **options, seed=seeds, **stated),
    )


def run(
    params: LifterParams,
    motions: Path,
    held_out: Path,
    films: Sequence[Path],
    report: Path,
    *,
    first: int = 6,
    fields: Sequence[int] = (1, 27, 81),
    seeds: Sequence[int] = (0,),
    teacher: Path | None = None,
    calibration: Path | None = None,
    fetched: Path = Path("data/fetch"),
    answers: Path = ANSWERS,
    called: str = "dataengine compare-lifters",
) -> list[TrialResult]:
    """Write the page into `report`, again after each fit; its results are returned.

    Raises:
        InputError: a file is not what it should be, people are not known in space, or no films are left to learn from.
        ParamsError: `first` or a receptive field does not fit.
        EnvironmentFault: another process works on `report`.
    """
    if first < 1:
        raise ParamsError("--first does not fit", expected="1 or more", got=str(first))
    trials = planned(list(dict.fromkeys(fields)), parse_seeds(seeds), semi=True)
    drawn, kept_back = read_motions_file(motions), read_motions_file(held_out)
    if arrays_hash([drawn.joints_m]) == arrays_hash([kept_back.joints_m]):
        fix = "draw them with another --seed and other recordings"
        raise InputError("--held-out is what --motions has", expected="motions that no lifter learns from", fix=fix)
    cameras = read_calibration(calibration) if calibration else []
    asked = AskedTeachers(fetched / MODELS, teacher, answers)
    sets: dict[str, list[SeenTrack]] = {}
    teaching, free = list[SeenTrack](), list[SeenTrack]()
    known = {given: read_film_set(given) for given in films}
    for given, own in known.items():  # before the teachers are asked, which takes long
        if any(film_places(film.people, film.name, cameras) is None for film in own[:first]):
            expected = "column keypoints_cam_m, or keypoints_world_m and --calibration"
            raise InputError(f"people of {given} are not known in space", expected=expected)
    if all(len(own) <= first for own in known.values()):
        raise InputError("no films are left to learn from", expected="a set of more than --first films")
    for given, own in known.items():
        measured, rest = seen_tracks(own[:first], asked, cameras), seen_tracks(own[first:], asked, cameras)
        teaching += rest
        free += rest or measured
        for name in dict.fromkeys(each.teacher for each in measured):
            sets[f"{given}: {name}"] = [each for each in measured if each.teacher == name]
    if not teaching:
        raise InputError("no films are left to learn from", expected="a set of more than --first films")
    errors = measured_errors([each for tracks in sets.values() for each in tracks])
    tests = {f"{held_out}": drawn_tracks(kept_back, errors, params.cameras, seed=0), **sets}
    data = LifterData(drawn, measured_errors(teaching), [each.track for each in free])
    say(f"compare-lifters: errors of {len(teaching)} tracks, {len(free)} tracks without labels, {len(trials)} fits")
    still = {name: accuracy_of(tracks, still_pose(tracks, _mean_pose(params, data))) for name, tracks in tests.items()}
    unknown = next((name for name, of in still.items() if not np.isfinite([of.mpjpe_mm, of.pa_mpjpe_mm]).all()), None)
    if unknown is not None:  # NaN is not JSON, either
        expected = "people with three joints or more, both hips among them, that are labelled and known in space"
        raise InputError(f"nobody in {unknown} can be measured", expected=expected, fix="leave these films out")
    results = list[TrialResult]()
    with one_at_a_time(report):
        for trial in trials:
            results.append(trial_result(trial, params, data, tests, report / "fits"))
            write_lifters_page(report, results, still, called, len(trials))
    answer((report / f"{PAGE}.md").read_text(encoding="utf-8"))
    return results


def _mean_pose(params: LifterParams, data: LifterData) -> NDArray[np.float64]:
    joints = draw_windows(data.motions, data.errors, params, WINDOWS, np.random.default_rng(0)).joints_m
    return np.asarray((joints - root_of(joints)).mean(axis=0), dtype=np.float64)
