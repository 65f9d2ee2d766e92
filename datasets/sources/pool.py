"""The pool: unlabelled frames of videos and of folders, without those that validation or test holds.

`write_pool` is the entry. Every frame is hashed while its bytes are at hand, and compared before it may stay.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dataengine.coco_json import write_people
from dataengine.files import write_json
from dataengine.formats.writing import copy_images
from dataengine.leakage.contents import Contents
from dataengine.leakage.film_names import film_name
from dataengine.leakage.held_out import HeldOutSet
from dataengine.leakage.leaks import find_leaks
from dataengine.leakage.picture_facts import PictureFacts, facts_of, inspect_pictures
from dataengine.people import Images, People
from dataengine.terminal.progress import track
from dataengine.terminal.speech import say
from dataengine.video.decoding import DecodedFilm, video_hash
from dataengine.video.sampling import FrameSampling, sample_frames

from ..quality.pool_account import UNREADABLE, FilmAccount, LeftOut, PoolAccount
from .frames import FrameWriter
from .user_sources import UserSource

FOLDER, POOL_NAME, ADDRESSES_NAME = "pool_images", "pool.json", "pool_frames.json"


def write_pool(
    folder: Path,
    frames: Sequence[UserSource],
    videos: Sequence[Path],
    *,
    sampling: FrameSampling,
    longest_side_px: int,
    held_out: HeldOutSet,
) -> PoolAccount:
    """Write the pool of unlabelled sources and videos to `folder`: pool.json, its images, pool_frames.json."""
    tables, left_out, addresses, films = [], list[LeftOut](), dict[str, str](), list[FilmAccount]()
    for source in frames:
        images, out = _allowed(source.content.images, held_out)
        tables.append(copy_images(images, source.folder, folder / FOLDER / source.name))
        left_out += out
    for number, (sha256, video) in enumerate(_each_once(videos).items()):
        first_id, name = 1 + 1_000_000 * (10 + number), film_name(video, sha256)
        writer = FrameWriter(folder / FOLDER / name, name, longest_side_px, first_id)
        images, out, film = _frames_of(video, sha256, writer, sampling, held_out)
        films.append(film)
        kept_ids = set(map(str, images.id.tolist()))
        addresses |= {key: at for key, at in writer.addresses(sha256).items() if key in kept_ids}
        tables.append(images)
        left_out += out
    pool = Images.concat(tables)
    write_people(folder / POOL_NAME, People.empty(), pool, info={"stage": "ingest", "split": "pool"})
    write_json(folder / ADDRESSES_NAME, addresses)  # image id -> the frame's address in its video
    account = PoolAccount(len(pool), tuple(left_out), tuple(films))
    if left_out:
        counts = ", ".join(f"{count} {kind}" for kind, count in account.counts().items() if count)
        say(f"pool: {len(left_out)} of {len(pool) + len(left_out)} frames left out: {counts}")
    return account


def _each_once(videos: Sequence[Path]) -> dict[str, Path]:
    """The films by the hash of their content, in order; a copy, whatever its name, is reported and passed over."""
    films = dict[str, Path]()
    for video in videos:
        first = films.setdefault(video_hash(video), video)
        if first is not video:
            say(f"pool: {video} is the same film as {first}, and is used once")
    return films


def _allowed(images: Images, held_out: HeldOutSet) -> tuple[Images, list[LeftOut]]:
    """The images of a folder that can be read and are not held out, and the others."""
    looks = inspect_pictures(images.path.tolist())
    faults = [
        LeftOut(str(path), UNREADABLE, look)
        for path, look in zip(images.path.tolist(), looks, strict=True)
        if isinstance(look, str)
    ]
    images = images.take(np.array([not isinstance(look, str) for look in looks], dtype=bool))
    facts = [look for look in looks if not isinstance(look, str)]
    images, out = _without_leaks(images, Contents.of(facts, images), held_out)
    return images, faults + out


def _frames_of(
    video: Path, sha256: str, writer: FrameWriter, sampling: FrameSampling, held_out: HeldOutSet
) -> tuple[Images, list[LeftOut], FilmAccount]:
    """Write the frames of a video, `sha256` its hash, that are not held out; returns them, the others, and the film's
    account."""
    facts, ends = list[PictureFacts](), list[DecodedFilm]()
    for frame in track(sample_frames(video, sampling, report=ends.append), f"pool {video.name}", unit="frame"):
        look = facts_of(writer.write(frame))
        assert not isinstance(look, str), look  # it was just encoded
        facts.append(look)
    images = writer.images()
    contents = Contents.of(facts, images, {film_name(video, sha256): sha256})
    kept, out = _without_leaks(images, contents, held_out)
    for frame_left_out in out:
        Path(frame_left_out.file).unlink()
    (end,) = ends
    film = FilmAccount(str(video), film_name(video, sha256), end.frames, end.lost, end.damaged, len(images))
    return kept, out, film


def _without_leaks(images: Images, contents: Contents, held_out: HeldOutSet) -> tuple[Images, list[LeftOut]]:
    leaks = find_leaks(held_out, contents)
    kept = np.setdiff1d(np.arange(len(images)), [leak.row for leak in leaks]).astype(np.int64)
    return images.take(kept), [LeftOut(str(images.path[leak.row]), leak.kind, leak.reason) for leak in leaks]
