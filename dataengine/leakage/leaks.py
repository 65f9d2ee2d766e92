"""Which pictures are held out for measuring: `find_leaks` lists them, `refuse_held_out` stops at the first.

A picture leaks if it is, in this order,

1. the same file: SHA-256 of its bytes;
2. the same video: a frame of a held-out recording, at most `gap_frames` from a held-out frame, or any frame where whole
   recordings are held out. Two recordings are the same by the SHA-256 of their video, by name where that is not known
   (`dataengine.leakage.film_names.may_be_one_film`);
3. a near duplicate: perceptual hash and thumbnail are as alike as `LeakRule` says. Frames of the same recording beyond
   the gap are not judged by sight: what a still camera films looks the same throughout, and time separates it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.files import sha256_file
from dataengine.leakage.contents import Contents, contents_of
from dataengine.leakage.film_names import may_be_one_film
from dataengine.leakage.held_out import HeldOutSet, read_held_out
from dataengine.leakage.perceptual_hash import correlations, perceptual_hashes
from dataengine.people import Images

LeakKind = Literal["same file", "same video", "near duplicate"]
_AT_ONCE = 1024  # pictures compared together: 5 MB of distances to 5,000 held-out ones
_NEAREST = 8  # held-out pictures whose thumbnails are compared first; nearly always one of them matches


@dataclass(frozen=True)
class Leak:
    """A picture that is held out."""

    row: int
    held_row: int
    """Row of the held-out picture that it repeats."""
    kind: LeakKind
    split: str
    reason: str


def find_leaks(held_out: HeldOutSet, seen: Contents) -> list[Leak]:
    """The pictures of `seen` that are held out, each once and in their order."""
    found = dict[int, Leak]()
    kinds: tuple[Iterator[Leak], ...] = (
        _same_files(held_out, seen.sha256.tolist()),
        _same_videos(held_out, seen),
        _near_duplicates(held_out, seen),
    )
    for leaks in kinds:
        for leak in leaks:
            found.setdefault(leak.row, leak)
    return [found[row] for row in sorted(found)]


def refuse_held_out(
    path: Path | None, images: Images, what: str | Path, *, rendered: NDArray[np.bool_] | None = None
) -> None:
    """Raise `InputError` if `images`, which `what` names, hold a picture that the file `path` holds out.

    `rendered` (m,) marks pictures that were made by the renderer: these are compared by their bytes alone. Every
    picture is read once. Without `path` nothing is held out.
    """
    if path is None or not len(images):
        return
    held_out = read_held_out(path)
    by_bytes = np.zeros(len(images), dtype=bool) if rendered is None else rendered
    looked_at, renders = images.take(~by_bytes), images.take(by_bytes)
    leaks = [(looked_at.path[leak.row], leak) for leak in find_leaks(held_out, contents_of(looked_at))]
    hashes = [sha256_file(Path(name)) for name in renders.path.tolist()]
    leaks += [(renders.path[leak.row], leak) for leak in _same_files(held_out, hashes)]
    if leaks:
        counts = Counter(leak.split for _, leak in leaks)
        name, first = leaks[0]
        raise InputError(
            f"{what} has pictures that are held out for measuring: "
            + " and ".join(f"{count} of {split}" for split, count in sorted(counts.items())),
            expected="none",
            got=f"{name}, {first.reason}",
            fix="leave them out: a picture that is learnt from cannot measure",
        )


def _same_files(held_out: HeldOutSet, sha256: Iterable[str]) -> Iterator[Leak]:
    rows = {each: row for row, each in enumerate(held_out.contents.sha256.tolist())}
    for row, each in enumerate(sha256):
        if each in rows:
            split = str(held_out.split[rows[each]])
            yield Leak(row, rows[each], "same file", split, f"the same file as a picture of {split}")


def _same_videos(held_out: HeldOutSet, seen: Contents) -> Iterator[Leak]:
    gap = held_out.rule.gap_frames
    for row, rows in enumerate(_recordings(held_out.contents, seen)):
        if not len(rows):
            continue
        video, frame, frames = seen.video[row], int(seen.frame[row]), held_out.contents.frame[rows]
        # with an unknown place in the video either may be any frame
        distance = np.where((frames < 0) | (frame < 0), 0, np.abs(frames - frame))
        nearest = int(distance.argmin())
        held_row = int(rows[nearest])
        split = str(held_out.split[held_row])
        if gap is None:
            yield Leak(row, held_row, "same video", split, f"a frame of {video}, which is held out whole for {split}")
        elif distance[nearest] <= gap:
            reason = f"frame {frame} of {video}, {distance[nearest]} frames from frame {frames[nearest]} of {split}"
            yield Leak(row, held_row, "same video", split, reason)


def _near_duplicates(held_out: HeldOutSet, seen: Contents) -> Iterator[Leak]:
    """Candidates by hash, the nearest first, confirmed by their thumbnails."""
    theirs, rule = held_out.contents, held_out.rule
    their_hashes, hashes = perceptual_hashes(theirs.thumbnails), perceptual_hashes(seen.thumbnails)
    recordings = _recordings(theirs, seen) if rule.gap_frames is not None else None
    for start in range(0, len(seen), _AT_ONCE):
        differing = np.bitwise_count(their_hashes[:, None] ^ hashes[None, start : start + _AT_ONCE])
        for column in np.flatnonzero((differing <= rule.bits).any(axis=0)).tolist():
            row = start + column
            near = np.flatnonzero(differing[:, column] <= rule.bits)
            if recordings is not None:
                near = np.setdiff1d(near, recordings[row])
            near = near[np.argsort(differing[near, column], kind="stable")]
            for part in (near[:_NEAREST], near[_NEAREST:]):
                if len(twin := part[_alike(theirs, part, seen.thumbnails[row], rule.correlation)]):
                    split = str(held_out.split[twin[0]])
                    yield Leak(row, int(twin[0]), "near duplicate", split, f"a near duplicate of a picture of {split}")
                    break


def _alike(theirs: Contents, rows: NDArray[np.int64], thumbnail: NDArray[np.uint8], least: float) -> NDArray[np.bool_]:
    both = np.concatenate([theirs.thumbnails[rows], thumbnail[None]])
    return np.asarray(correlations(both, np.arange(len(rows)), np.full(len(rows), len(rows))) >= least)


def _recordings(theirs: Contents, seen: Contents) -> list[NDArray[np.int64]]:
    """For each picture of `seen` the rows of `theirs` that are of the same recording."""
    pairs = list(zip(seen.video.tolist(), seen.video_sha256.tolist(), strict=True))
    rows_of = {pair: _rows_of_recording(theirs, *pair) for pair in set(pairs)}
    return [rows_of[pair] for pair in pairs]


def _rows_of_recording(theirs: Contents, video: str, sha256: str) -> NDArray[np.int64]:
    if not video:
        return np.empty(0, dtype=np.int64)
    names, which = np.unique(theirs.video, return_inverse=True)
    same_name = np.array([bool(name) and may_be_one_film(name, video) for name in names.tolist()], dtype=bool)[which]
    if not sha256:
        return np.flatnonzero(same_name)
    return np.flatnonzero((theirs.video_sha256 == sha256) | (same_name & (theirs.video_sha256 == "")))
