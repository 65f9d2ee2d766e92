"""Command `compare-trackers`: who follows people best, on films whose people are known."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from dataengine.errors import ParamsError
from dataengine.inference.network_files import MODELS
from dataengine.people import People
from dataengine.studies.page import command_line
from dataengine.terminal.folders import folder_option, out_folder_option
from dataengine.terminal.options import seed_option
from dataengine.terminal.speech import answer, say

from .association import SHIPPED, read_association
from .baselines import GreedyOksTracker, OverlapTracker
from .box_trackers import CLASSES, BoxTracker, trackers_library
from .comparison_page import Row, write_comparison_page
from .labelled_films import LabelledFilm, found_by_blazepose, found_in_labelled_boxes, read_films, sightings_of
from .pose_tracker import PoseTracker
from .scores import FilmScores, figures_over, film_scores
from .sightings import Sightings, Tracker

OVERLAP, GREEDY, KEYPOINTS = "overlap", "greedy OKS", "keypoints"
FOUND, BOXES = "BlazePose finds them", "labelled boxes, some missing"


def command(
    films: Annotated[list[Path], typer.Option(help="COCO JSON of films whose people have track ids; repeat it.")],
    report: Annotated[Path, out_folder_option(help="Folder for tracking.md, tracking.png and metrics.json.")],
    fetched: Annotated[Path, folder_option(help="Folder that the stage fetch wrote, with BlazePose's models.")] = Path(
        "data/fetch"
    ),
    skip: Annotated[
        int, typer.Option(help="Leave out the first n films of a file that has more: fit-tracker learned from them.")
    ] = 0,
    missing: Annotated[float, typer.Option(help="Share of the labelled boxes that is left out by chance.")] = 0.2,
    weights: Annotated[
        Path, typer.Option(help="What fit-tracker wrote.", show_default="those of the package")
    ] = SHIPPED,
    seed: Annotated[int, seed_option(help="Seed of what is left out.")] = 0,
) -> None:
    """Compare trackers: overlap, greedy OKS, keypoints, and ByteTrack, OC-SORT and BoT-SORT of `trackers`.

    All of them get the same people, frame by frame: once those whom BlazePose finds, once the labelled boxes with some
    missing, in which BlazePose labels the joints. HOTA by boxes and by OKS, switches and fragments come from the
    library `trackers`, which is installed by hand (its absence says how). Intervals are over scenes: films whose pictures
    have one `group`, such as those of synchronised cameras, are one.

    Example: dataengine compare-trackers --films data/clips/people.json --films data/ingest/train.json --skip 10 --report reports/compare-trackers
    """  # noqa: E501  an example is one line to copy
    called = command_line("compare-trackers", films=films, skip=skip, missing=missing, seed=seed)
    run(films, report, fetched=fetched, skip=skip, missing=missing, weights=weights, seed=seed, called=called)


def run(
    films: list[Path],
    report: Path,
    *,
    fetched: Path = Path("data/fetch"),
    skip: int = 0,
    missing: float = 0.2,
    weights: Path = SHIPPED,
    seed: int = 0,
    called: str = "dataengine compare-trackers",
) -> list[Row]:
    """Write the page into `report`, and return its rows.

    Raises:
        InputError: a file has no films with identities, or BlazePose's models are missing.
        EnvironmentFault: the library ``trackers`` is not installed.
    """
    if not 0 <= missing < 1 or skip < 0:
        raise ParamsError(
            "--missing or --skip does not fit", expected="0 to 1, and 0 or more", got=f"{missing}, {skip}"
        )
    trackers_library()
    trackers = trackers_of(weights)
    rows: list[Row] = []
    for path in dict.fromkeys(films):
        known = read_films(path)
        known = known[skip:] if len(known) > skip else known
        say(f"compare-trackers: {len(known)} films of {path}")
        for how, find in (
            (FOUND, lambda film: found_by_blazepose(film, fetched / MODELS)),
            (BOXES, lambda film: found_in_labelled_boxes(film, fetched / MODELS, missing, seed)),
        ):
            rows += _rows(str(path), how, known, find, trackers)
    write_comparison_page(report, rows, called)
    answer((report / "tracking.md").read_text(encoding="utf-8"))
    return rows


def trackers_of(weights: Path) -> dict[str, Callable[[float], Tracker]]:
    """Name -> a tracker for a film, given its frames a second."""
    association = read_association(weights)
    own: dict[str, Callable[[float], Tracker]] = {
        OVERLAP: lambda fps: OverlapTracker(),
        GREEDY: lambda fps: GreedyOksTracker(),
        KEYPOINTS: lambda fps: PoseTracker(association),
    }
    return own | {name: _of_library(name) for name in CLASSES}


def _of_library(name: str) -> Callable[[float], Tracker]:
    return lambda fps: BoxTracker(name, fps)


@dataclass(frozen=True, eq=False)
class _FoundFilm:
    film: LabelledFilm
    people: People
    frames: list[tuple[Sightings, NDArray[np.uint8], NDArray[np.int64]]]


def _rows(
    path: str,
    how: str,
    films: list[LabelledFilm],
    find: Callable[[LabelledFilm], People],
    trackers: dict[str, Callable[[float], Tracker]],
) -> list[Row]:
    of_tracker: dict[str, list[FilmScores]] = {name: [] for name in trackers}
    seconds, tracks = dict.fromkeys(trackers, 0.0), dict.fromkeys(trackers, 0)
    frames = 0
    for film in films:
        found = find(film)
        one = _FoundFilm(film, found, list(sightings_of(film, found)))
        frames += len(one.frames)
        for name, opened in trackers.items():
            ids, spent = _followed(one, opened(film.fps))
            of_tracker[name].append(film_scores(film, found, ids))
            seconds[name] += spent
            tracks[name] += len(np.unique(ids[ids >= 0]))
    scenes = len({film.scene for film in films})
    people = sum(len(np.unique(film.people.track_id)) for film in films)
    return [
        Row(path, how, len(films), scenes, people, name, figures_over(scores, tracks[name]), frames / seconds[name])
        for name, scores in of_tracker.items()
    ]


def _followed(one: _FoundFilm, tracker: Tracker) -> tuple[NDArray[np.int64], float]:
    """Track ids of everybody found, and the seconds that the tracker took."""
    ids = np.full(len(one.people), -1, dtype=np.int64)
    started = time.perf_counter()
    for seen, image, rows in one.frames:
        ids[rows] = tracker(seen, image)
    return ids, max(time.perf_counter() - started, 1e-9)
