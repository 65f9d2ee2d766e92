"""What `pretrain` is given, checked before a film is read: films in groups, their detectors, the folders to write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dataengine.errors import InputError
from dataengine.files import read_json
from dataengine.inference.network_files import MODELS
from dataengine.nets.checkpoint import META_NAME, WEIGHTS_NAME
from dataengine.nets.learnt_pictures import LEARNT_NAME
from dataengine.terminal.folders import contents_of_ours, would_be_replaced
from dataengine.video.decoding import video_hash

from .params import SECTION

if TYPE_CHECKING:
    from dataengine.films.detectors import FilmDetector

METRICS_NAME = "metrics.json"
BOX_SUFFIXES = (".json", ".txt", ".csv")
FILM_SUFFIXES = (".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v")


def film_groups(films: Sequence[Path], views: Sequence[Path]) -> list[list[Path]]:
    """Films that are in step, together; every other film alone.

    Raises:
        InputError: there are none, one is missing, a folder holds fewer than two, or a film is named twice: it would be
            learnt from twice as often, and what measures would count as twice as many moments.
    """
    groups = []
    for folder in views:
        if not folder.is_dir():
            raise InputError(f"--views {folder} is not a folder", expected="a folder of films by cameras in step")
        found = sorted(path for path in folder.iterdir() if path.suffix.lower() in FILM_SUFFIXES)
        if len(found) < 2:
            expected = f"two films or more ({', '.join(FILM_SUFFIXES)})"
            raise InputError(f"--views {folder} holds no cameras in step", expected=expected, got=str(len(found)))
        groups.append(found)
    groups += [[path] for path in films]
    if not groups:
        raise InputError("there is nothing to learn from", expected="--film or --views")
    known: dict[str, Path] = {}
    for path in (path for group in groups for path in group):
        if not path.is_file():
            got = "a folder" if path.is_dir() else "nothing"
            fix = "name it with --views" if path.is_dir() else "correct the path"
            raise InputError(f"{path} cannot be a film", expected="a file", got=got, fix=fix)
        same = known.setdefault(video_hash(path), path)
        if same is not path:
            fix = "name each film once; those of --views are learnt from frame by frame, too"
            raise InputError(f"{path} is the same film as {same}", expected="two cameras, or two films", fix=fix)
    return groups


def box_files(groups: Sequence[Sequence[Path]], boxes: Path) -> dict[Path, Path]:
    """The file of boxes of each film in the folder `boxes`. Raises InputError where one is missing."""
    found = {}
    for film in (film for group in groups for film in group):
        named = [boxes / f"{film.stem}{suffix}" for suffix in BOX_SUFFIXES]
        path = next((path for path in named if path.is_file()), None)
        if path is None:
            expected = " | ".join(path.name for path in named)
            raise InputError(
                f"{boxes} has no boxes of {film}", expected=expected, fix="write them, or leave --boxes out"
            )
        found[film] = path
    return found


def detector_of(film: Path, *, fetched: Path, boxes: Mapping[Path, Path], every: int) -> FilmDetector:
    """Who finds the people of a film: its file of `boxes`, or BlazePose where there are none."""
    from dataengine.films.detectors import BlazePoseDetector, BoxesOfFile

    return BoxesOfFile(boxes[film]) if film in boxes else BlazePoseDetector(fetched / MODELS, every)


def refuse_outputs(out: Path, report: Path) -> None:
    """Raise `InputError` if one of the folders, which are replaced whole, holds what is not of an earlier `pretrain`,
    or if one lies in the other."""
    one, other = out.resolve(), report.resolve()
    if one == other or one in other.parents or other in one.parents:
        raise InputError("--out and --report replace each other", expected="two folders", got=f"{out} and {report}")
    contents_of_ours(report, {METRICS_NAME}, f"the report of {SECTION}", "--report")
    inside = contents_of_ours(out, {META_NAME, WEIGHTS_NAME, LEARNT_NAME}, f"a checkpoint of {SECTION}")
    if inside and _stage(out / META_NAME) != SECTION:
        got = "a checkpoint of another command, or a part of one"
        raise would_be_replaced(out, f"a checkpoint of {SECTION}", got)


def _stage(meta: Path) -> object:
    """The command that wrote a checkpoint, by its metadata."""
    record = read_json(meta) if meta.is_file() else {}
    lineage = record.get("lineage") if isinstance(record, Mapping) else None
    return lineage.get("stage") if isinstance(lineage, Mapping) else None
