"""Command `compare-judges`: which judge finds a teacher's mistakes best, on films whose people are labelled."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from dataengine.errors import InputError, ParamsError
from dataengine.inference.network_files import MODELS
from dataengine.judges.options import FETCHED, Calibration, Fetched, SecondTeacher
from dataengine.multiview.qualisys import CalibratedCamera, read_calibration
from dataengine.studies.page import command_line
from dataengine.terminal.folders import folder_option, out_folder_option
from dataengine.terminal.speech import answer, say
from dataengine.tracking.labelled_films import LabelledFilm, read_film_set

from .judges_page import PAGE_NAME, JudgeRow, write_judges_page
from .kept import AskedTeachers
from .known_tracks import KnownTrack, known_tracks
from .lifted_pose import Lifter, loaded_lifter
from .ranking import RankedJoints, judge_figures
from .table import TOGETHER, signs_of, trust_of
from .together import learned_together


def command(
    films: Annotated[
        list[Path],
        typer.Option(help="COCO JSON of films with labelled people; repeat it. `A,B` takes two files as one set."),
    ],
    report: Annotated[Path, out_folder_option(help="Folder for judges.md, judges.png and metrics.json.")],
    fetched: Fetched = FETCHED,
    teacher: SecondTeacher = None,
    first: Annotated[int, typer.Option(help="Use the first n films of each set by name; 0: all.")] = 0,
    calibration: Calibration = None,
    lifter: Annotated[Path | None, folder_option(help="Folder that fit-lifter wrote: lifted poses judge, too.")] = None,
) -> None:
    """Measure which judge knows best where a teacher is wrong, without labels.

    BlazePose and --teacher label the people in their labelled boxes. Each judge ranks their joints by trust: confidence,
    the other teacher, mirror image, views turned and scaled, and, along the labelled tracks, jumps and the distance from
    a One-Euro filter, a Kalman smoother and an ensemble Kalman smoother; where cameras are calibrated, the distance from
    where the others see the joint; with --lifter, from where the pose projects to once it is lifted to space. Leave the
    films out of that lifter's fit (--leave-first). The labels then say which joints are wrong. The page has AUROC and risk against
    coverage for each judge and teacher, with 95 % intervals over scenes: films whose pictures have one `group`, such as
    those of synchronised cameras, are one. What teachers answered is kept in
    REPORT/answers, film by film, so that a call that was stopped goes on there.

    Example: dataengine compare-judges --films data/clips/people.json --films data/ingest/train.json,data/ingest/val.json --teacher models/fit-teacher --calibration data/fetch/pose2sim/Calib.qca.txt --report reports/compare-judges
    """  # noqa: E501  an example is one line to copy
    given = {"teacher": teacher, "first": first or None, "calibration": calibration, "lifter": lifter}
    stated = {name: value for name, value in given.items() if value is not None}
    called = command_line("compare-judges", films=films, **stated)
    run(
        films,
        report,
        fetched=fetched,
        teacher=teacher,
        first=first,
        calibration=calibration,
        lifter=lifter,
        called=called,
    )


def run(
    films: list[Path],
    report: Path,
    *,
    fetched: Path = Path("data/fetch"),
    teacher: Path | None = None,
    first: int = 0,
    calibration: Path | None = None,
    lifter: Path | None = None,
    called: str = "dataengine compare-judges",
) -> list[JudgeRow]:
    """Write the page into `report`, and return its rows.

    Raises:
        InputError: a file has no films with identities, or a model or the calibration cannot be read.
        ParamsError: `first` is negative.
    """
    if first < 0:
        raise ParamsError("--first does not fit", expected="0 or more", got=str(first))
    cameras = read_calibration(calibration) if calibration else []
    lift = loaded_lifter(lifter) if lifter else None
    rows: list[JudgeRow] = []
    for given in dict.fromkeys(films):
        known = read_film_set(given)[: first or None]
        say(f"compare-judges: {len(known)} films of {given}")
        asked = AskedTeachers(fetched / MODELS, teacher, report / "answers")
        rows += _rows(str(given), known, cameras, asked, lift)
    write_judges_page(report, rows, called)
    answer((report / f"{PAGE_NAME}.md").read_text(encoding="utf-8"))
    return rows


def _rows(
    name: str,
    films: Sequence[LabelledFilm],
    cameras: Sequence[CalibratedCamera],
    asked: AskedTeachers,
    lifter: Lifter | None,
) -> list[JudgeRow]:
    tracks = known_tracks(films, asked, cameras, lifter)
    if not tracks:
        raise InputError(f"{name} has nobody to judge", expected="people who are labelled in three frames or more")
    rows = []
    for judged in tracks[0].track.answers:
        trusts = [trust_of(track.track, judged) for track in tracks]
        judges = list(dict.fromkeys(judge for trust in trusts for judge in trust))
        trusts = _with_learned(tracks, trusts, judged)
        for judge in (*judges, TOGETHER):
            said = [trust.get(judge) for trust in trusts]
            scenes = _by_scene(tracks, said, judged)
            if scenes:
                joints = sum(len(each.right) for each in scenes)
                wrong = 1 - sum(int(each.right.sum()) for each in scenes) / max(joints, 1)
                seen = len({track.film for track, trust in zip(tracks, said, strict=True) if trust is not None})
                rows.append(JudgeRow(name, seen, len(scenes), joints, wrong, judged, judge, judge_figures(scenes)))
    return rows


def _by_scene(
    tracks: Sequence[KnownTrack], trusts: Sequence[NDArray[np.float64] | None], teacher: str
) -> list[RankedJoints]:
    """The labelled joints, scene by scene."""
    of_scene: dict[str, list[RankedJoints]] = {}
    for known, trust in zip(tracks, trusts, strict=True):
        if trust is not None:
            own = RankedJoints(trust[known.labelled], known.right[teacher][known.labelled])
            of_scene.setdefault(known.scene, []).append(own)
    return [
        RankedJoints(np.concatenate([each.trust for each in parts]), np.concatenate([each.right for each in parts]))
        for parts in of_scene.values()
    ]


def _with_learned(
    tracks: Sequence[KnownTrack], trusts: Sequence[Mapping[str, NDArray[np.float64]]], teacher: str
) -> list[dict[str, NDArray[np.float64]]]:
    """The same with the judge that learns from all others, learned for each scene on the rest.

    In a single scene it is learned for each film on the scene's others.
    """
    signs = [signs_of(trust) for trust in trusts]
    out = [dict(trust) for trust in trusts]
    scenes = [known.scene for known in tracks]
    units = scenes if len(set(scenes)) > 1 else [known.film for known in tracks]
    for unit in dict.fromkeys(units):
        others = [row for row, other in enumerate(units) if other != unit]
        learned = learned_together(
            [signs[row][tracks[row].labelled] for row in others],
            [tracks[row].right[teacher][tracks[row].labelled] for row in others],
        )
        for row, own in enumerate(units):
            if learned is not None and own == unit:
                out[row][TOGETHER] = learned(signs[row])
    return out
