"""Films to followed people: a crop of everybody in every frame that may be learnt from.

Crops are cut with a border around what the network sees, so that each may be shifted and scaled when it is shown.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataengine.crops.spec import CropSpec, crop_matrix, extract_crop
from dataengine.errors import InputError
from dataengine.films.detectors import FilmDetector
from dataengine.leakage.film_names import film_name
from dataengine.leakage.held_out import HeldOutSet
from dataengine.terminal.progress import track
from dataengine.terminal.speech import say
from dataengine.video.decoding import iter_frames, video_hash

from ..film.locating import Locator
from .allowed import held_out_frames, thumbnail

BORDER = 1.25  # extent of what is cut over that of what is shown
TRACK_OVERLAP, MAX_GAP = 0.3, 10  # those of pseudo-label
SAME_RATE = 0.01  # films in step differ in their frame rate by less than this share


@dataclass(frozen=True, eq=False)
class FollowedFilm:
    """n crops of the people of one film, in order of their frames."""

    path: Path
    sha256: str
    frame: NDArray[np.int64]  # (n,) index in the film
    time_s: NDArray[np.float64]  # (n,)
    track_id: NDArray[np.int64]  # (n,)
    crops: NDArray[np.uint8]  # (n, H, W, 3) BGR, with the border of `bordered`
    step_s: float
    """Median time from frame to frame, of those that were read."""
    held_frames: int
    """Frames that were left out since they, or frames near them, measure."""

    def __len__(self) -> int:
        return len(self.frame)

    def alone(self) -> NDArray[np.int64]:
        """Rows (m,) of frames that show exactly one person."""
        _, first, count = np.unique(self.frame, return_index=True, return_counts=True)
        return first[count == 1]


def bordered(spec: CropSpec) -> CropSpec:
    """`spec` at the same scale with a border around it."""
    width, height = (round(side * BORDER) for side in (spec.width_px, spec.height_px))
    return replace(spec, width_px=width, height_px=height, padding=spec.padding * BORDER)


def read_film(
    path: Path, detector: FilmDetector, spec: CropSpec, *, every: int, most: int, held_out: HeldOutSet | None
) -> FollowedFilm:
    """Follow everybody through the film; at most `most` crops, and a line says where that ended it.

    Raises:
        InputError: nothing can be decoded, it shows no one, or all of it is held out for measuring.
    """
    cut, sha256 = bordered(spec), video_hash(path)
    frames, times, tracks = list[int](), list[float](), list[int]()
    crops, looks, seen_s = list[NDArray[np.uint8]](), dict[int, NDArray[np.uint8]](), list[float]()
    locator = Locator(detector, min_overlap=TRACK_OVERLAP, max_gap=MAX_GAP * every)
    whole = (frame for frame in iter_frames(path, every=every) if not frame.damaged)
    for located in track(locator(whole), f"read {path.name}", unit="frame"):
        frame, people = located.frame, len(located.boxes_xywh_px)
        seen_s.append(frame.pts_s)
        if len(crops) + people > most:
            say(f"pretrain: {path} is used up to frame {frame.index}: most_crops allows no more")
            break
        if people:
            looks[frame.index] = thumbnail(frame.image_bgr)
            crops += [extract_crop(frame.image_bgr, matrix, cut) for matrix in crop_matrix(located.boxes_xywh_px, cut)]
            frames += [frame.index] * people
            times += [frame.pts_s] * people
            tracks += located.track_id.tolist()
    held = held_out_frames(held_out, film_name(path, sha256), sha256, list(looks), list(looks.values()))
    kept = np.array([row for row, index in enumerate(frames) if index not in held], dtype=np.int64)
    if not len(kept):
        why = f"all {len(held)} frames with people are held out for measuring" if held else "nobody was found"
        fix = "name another film" + ("" if held else ", or --boxes of its own frames and pixels")
        raise InputError(f"{path} shows no one to learn from", expected="people to follow", got=why, fix=fix)
    return FollowedFilm(
        path,
        sha256,
        np.array(frames)[kept],
        np.array(times)[kept],
        np.array(tracks)[kept],
        np.stack(crops)[kept],
        float(np.median([b - a for a, b in pairwise(seen_s)] or [0.0])),
        len(held),
    )


def read_films(
    groups: Sequence[Sequence[Path]],
    detector_of: Callable[[Path], FilmDetector],
    spec: CropSpec,
    *,
    every: int,
    most: int,
    held_out: HeldOutSet | None,
) -> list[list[FollowedFilm]]:
    """The films of every group; each gets an equal share of the crops that are left.

    Raises:
        InputError: see `read_film`; or films of one group are not in step.
    """
    left, films = most, sum(map(len, groups))
    read: list[list[FollowedFilm]] = []
    for group in groups:
        found = list[FollowedFilm]()
        for path in group:
            share = left // films
            found.append(read_film(path, detector_of(path), spec, every=every, most=share, held_out=held_out))
            left, films = left - len(found[-1]), films - 1
        refuse_out_of_step(found)
        read.append(found)
    return read


def refuse_out_of_step(films: Sequence[FollowedFilm]) -> None:
    """InputError where films of one moment have other frame rates, or never show one person at the same time.

    Frame k of each is taken for the same moment, as `ingest` takes it; whether it is, views that nothing can be learnt
    from will show.
    """
    if len(films) < 2:
        return
    for film in films[1:]:
        if abs(film.step_s - films[0].step_s) > SAME_RATE * films[0].step_s:
            rates = " and ".join(f"{1 / each.step_s:.2f}" if each.step_s else "no" for each in (films[0], film))
            what = f"{film.path} is not in step with {films[0].path}"
            raise InputError(what, expected="films of one frame rate", got=f"{rates} frames a second")
        if film.sha256 == films[0].sha256:
            raise InputError(f"{film.path} is the same film as {films[0].path}", expected="two cameras")
    if not len(common_frames(films)):
        names = ", ".join(str(film.path) for film in films)
        fix = "cut the films so that they begin at the same moment, or name them without --views"
        raise InputError(f"{names} are not in step", expected="moments that show one person in two films", fix=fix)


def common_frames(films: Sequence[FollowedFilm]) -> NDArray[np.int64]:
    """Frames that show exactly one person in two or more of the films."""
    frames, count = np.unique(
        np.concatenate([film.frame[film.alone()] for film in films] or [np.empty(0, dtype=np.int64)]),
        return_counts=True,
    )
    return frames[count >= 2]
