"""Films whose people are known, and what BlazePose sees in them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataengine.blazepose.in_boxes import poses_in_boxes
from dataengine.blazepose.in_images import as_people, find_people
from dataengine.coco_json import read_project_people
from dataengine.errors import InputError
from dataengine.files import read_json
from dataengine.people import JOINTS, Images, People
from dataengine.pictures.reading.decoding import read_picture

from .sightings import Sightings, limb_colours, person_sizes

USUAL_FPS = 25.0
LEAST_FPS, MOST_FPS = 1e-5, 1e5  # a frame a day, and beyond what cameras take
FOLLOWS_FRAMES = 10  # BlazePose looks again where people were, over that many frames


@dataclass(frozen=True, eq=False)
class TrackRows:
    """Where one person's f sightings lie, in the order of the frames."""

    identity: int
    rows: NDArray[np.int64]
    """(f,) of the film's people."""
    frames: NDArray[np.int64]
    """(f,) of its pictures, rising."""


@dataclass(frozen=True, eq=False)
class LabelledFilm:
    """A film in single pictures: the frames that a file lists, in their order, and the people who are in them."""

    name: str
    images: Images
    people: People
    """Each with the `track_id` of its identity."""
    time_s: NDArray[np.float64]
    """(frames,) growing"""

    def __post_init__(self) -> None:
        back = np.flatnonzero(~(np.diff(self.time_s) > 0))
        if len(back):
            at = slice(back[0], back[0] + 2)
            pairs = zip(self.images.frame[at].tolist(), self.time_s[at].tolist(), strict=True)
            got = " and ".join(f"frame {frame} at {time:g} s" for frame, time in pairs)
            again = "a film without times gets some by `ffmpeg -i film.mp4 -vf setpts=N/25/TB timed.mp4`; infer again"
            fix = f"list each frame once, with its time or without one; {again}"
            what = f"times of {self.name} do not grow"
            raise InputError(what, expected="a later frame later", got=got, fix=fix)

    @classmethod
    def joined(cls, parts: "Sequence[LabelledFilm]") -> "LabelledFilm":
        """Parts of one film as one: pictures and people are numbered again, since files number them by themselves."""
        images, people = [], []
        for number, part in enumerate(parts):
            shift = number * 10**9
            images.append(part.images.replace(id=part.images.id + shift))
            people.append(part.people.replace(image_id=part.people.image_id + shift))
        table = Images.concat(images)
        order = np.argsort(table.frame, kind="stable")
        times = np.concatenate([part.time_s for part in parts])
        return cls(parts[0].name, table.take(order), People.concat(people), times[order])

    @property
    def scene(self) -> str:
        """What was taken together with the film, such as the other views of synchronised cameras: its pictures' group.

        A film of which no group is known is a scene of its own.
        """
        groups = self.images.group[self.images.group != ""]
        return str(groups[0]) if len(groups) else self.name

    def tracks(self) -> Iterator[TrackRows]:
        """Person by person. Of two of one identity in one frame the first counts."""
        at = self.images.rows_of(self.people.image_id)
        for identity in np.unique(self.people.track_id):
            rows = np.flatnonzero(self.people.track_id == identity)
            frames, first = np.unique(at[rows], return_index=True)
            yield TrackRows(int(identity), rows[first], frames)

    @property
    def fps(self) -> float:
        """Listed frames a second, by the median time between two."""
        step = float(np.median(np.diff(self.time_s))) if len(self.time_s) > 1 else 0.0
        return 1 / step if step > 0 else USUAL_FPS


def read_films(path: Path) -> list[LabelledFilm]:
    """The films of a COCO JSON whose images have `video` and `frame`, and whose people have `track_id`, by name.

    A film whose people have no track ids, but that never shows two at once, is of one person. Times are `time_s`, else
    by the frames a second of the file's `info.fps`, else by `USUAL_FPS`.

    Raises:
        InputError: the file is malformed or has no films, a film has people without identity, or its times do not grow.
    """
    people, images = read_project_people(path)
    fps = _stated_fps(path)
    films = []
    for name in np.unique(images.video[(images.video != "") & (images.frame >= 0)]).tolist():
        own = images.take(np.flatnonzero((images.video == name) & (images.frame >= 0)))
        own = own.take(np.argsort(own.frame, kind="stable"))
        mine = people.take(np.isin(people.image_id, own.id))
        if (mine.track_id < 0).any():
            if len(np.unique(mine.image_id)) < len(mine):
                raise InputError(f"{path}: people of {name} have no track_id", fix="give each person of a film one")
            mine = mine.replace(track_id=np.zeros(len(mine), dtype=np.int64))
        stamped = np.isfinite(own.time_s).all()
        films.append(LabelledFilm(name, own, mine, own.time_s if stamped else own.frame / fps))
    if not films:
        raise InputError(f"{path} has no films", expected='images with "video" and "frame"')
    return films


def _stated_fps(path: Path) -> float:
    """`info.fps` of a file of people, or `USUAL_FPS` where it has none."""
    info = read_json(path).get("info")
    stated = info.get("fps", USUAL_FPS) if isinstance(info, dict) else USUAL_FPS
    if not isinstance(stated, int | float) or not LEAST_FPS <= stated <= MOST_FPS:
        expected = f"{LEAST_FPS:g} to {MOST_FPS:g} frames a second"
        raise InputError(f"{path}: info.fps is none", expected=expected, got=str(stated)[:40])
    return float(stated)


def joined_films(films: Sequence[LabelledFilm]) -> list[LabelledFilm]:
    """Films of one name as one, their frames in order: a split may have cut them."""
    joined = []
    for name in dict.fromkeys(film.name for film in films):
        parts = [film for film in films if film.name == name]
        joined.append(parts[0] if len(parts) == 1 else LabelledFilm.joined(parts))
    return joined


def read_film_set(given: Path) -> list[LabelledFilm]:
    """The films of a set, where `A,B` is two files as one. Raises: see `read_films`."""
    return joined_films([film for part in str(given).split(",") for film in read_films(Path(part))])


def found_by_blazepose(film: LabelledFilm, models: Path) -> People:
    """Everybody whom BlazePose finds by itself, with its joints and its score."""
    return as_people(find_people(film.images, models, max_gap=FOLLOWS_FRAMES), film.images)


def found_in_labelled_boxes(film: LabelledFilm, models: Path, missing: float, seed: int) -> People:
    """BlazePose's joints in the labelled boxes, of which the share `missing` is left out by chance."""
    kept = np.random.default_rng(seed).random(len(film.people)) >= missing
    seen = poses_in_boxes(film.people.take(kept), film.images, models)
    return seen.replace(score=np.ones(len(seen), dtype=np.float32))


def sightings_of(film: LabelledFilm, found: People) -> Iterator[tuple[Sightings, NDArray[np.uint8], NDArray[np.int64]]]:
    """Frame by frame who is seen, the picture, and the rows (n,) of the people `found`."""
    for row in range(len(film.images)):
        rows = np.flatnonzero(found.image_id == film.images.id[row])
        image = read_picture(str(film.images.path[row]))
        points = found.keypoints_px[rows].astype(np.float64)
        boxes = found.bbox_xywh_px[rows].astype(np.float64)
        colours = limb_colours(image, points, person_sizes(boxes))
        confidence = np.ones((len(rows), JOINTS))
        score = found.score[rows].astype(np.float64)
        yield Sightings(float(film.time_s[row]), points, confidence, boxes, score, colours), image, rows
