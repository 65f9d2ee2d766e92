"""One film from its first frame to `labels.json`."""

from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from dataengine.errors import InputError
from dataengine.files import read_json, sha256_file, write_json
from dataengine.films.detectors import FilmDetector
from dataengine.keypoints import COCO_KEYPOINTS
from dataengine.leakage.film_names import film_name
from dataengine.nets.checkpoint import META_NAME
from dataengine.studies.settings import json_hash
from dataengine.terminal.progress import track
from dataengine.tracking.association import Association
from dataengine.video.decoding import DecodedFilm, Frame, iter_frames

from ..pseudo.filters import KEPT, VERDICTS
from ..pseudo.params import PseudoLabelParams
from ..pseudo.persons import PERSON_REASONS
from ..trust.rule import TrustRule
from .chunks import Chunk
from .estimating import estimated
from .following import JointFollower
from .journal import FilmProgress, Journal
from .judging import JudgedChunk, judged_chunk
from .locating import Locator, Resume
from .teachers import FilmTeacher, names_of

LABELS, METRICS = "labels.json", "metrics.json"
LABELLED, NOBODY_FOUND, NOBODY_KEPT = "labelled", "nobody was found", "nobody was kept"


@dataclass(frozen=True, eq=False)
class Labeller:
    """All that decides a film's labels but the film."""

    teachers: tuple[FilmTeacher, ...]
    detector: FilmDetector
    rule: TrustRule | None
    params: PseudoLabelParams
    every: int
    """Every n-th frame is read."""
    decides: str
    """A hash of the teachers, the detector's files, the rule and the params."""
    association: Association | None = None
    """By which people are followed on their joints; None: by the overlap of boxes."""


def deciding_hash(models: Sequence[Path], boxes: Path | None, rule: TrustRule | None, **settings: object) -> str:
    """For `Labeller.decides`."""
    teachers = [sha256_file(model / META_NAME) if model.is_dir() else str(model) for model in models]
    return json_hash([teachers, sha256_file(boxes) if boxes else "", asdict(rule) if rule else None, settings])


def label_film(film: Path, folder: Path, labeller: Labeller) -> dict[str, Any]:
    """Label `film` into `folder`, and return its metrics. A film that is finished is left as it is.

    Raises:
        InputError: the file is missing, not a film, or none of its frames can be decoded.
    """
    sha256 = sha256_file(film)
    name = film_name(film, sha256)
    fingerprint = json_hash([sha256, labeller.decides, labeller.every])
    if (finished := finished_metrics(folder, fingerprint)) is not None:
        return finished
    journal = Journal(folder, fingerprint, len(labeller.teachers))
    progress, decoded = journal.progress, list[DecodedFilm]()
    try:
        with closing(_steps(film, name, labeller, journal, decoded)) as steps:  # which ends its threads
            for step in steps:
                progress = progress if step.part is None else _added(journal, progress, step.part)
                if step.resume is not None:
                    progress = replace(progress, resume=step.resume)
                    progress = journal.commit(progress, step.before, step.pending)
        metrics = _metrics(name, labeller, progress, decoded)
        info = {"film": film.name, "sha256": sha256, "fingerprint": fingerprint, "params": asdict(labeller.params)}
        journal.finish(folder / LABELS, info)
    except InputError:  # nothing can be decoded: there is nothing to go on from
        journal.discard()
        if not any(folder.iterdir()):
            folder.rmdir()
        raise
    finally:
        journal.close()
    metrics["fingerprint"] = fingerprint
    write_json(folder / METRICS, metrics)
    journal.discard()
    return metrics


def finished_metrics(folder: Path, fingerprint: str) -> dict[str, Any] | None:
    """The metrics of a film that is labelled already by the same; None where it is not."""
    if not (folder / METRICS).is_file() or not (folder / LABELS).is_file():
        return None
    metrics = read_json(folder / METRICS)
    same = isinstance(metrics, dict) and metrics.get("fingerprint") == fingerprint
    return metrics if same else None


@dataclass(frozen=True, eq=False)
class _Step:
    """A chunk that is judged, and what goes on after it."""

    part: JudgedChunk | None
    """None for the first step, in which nothing can be judged yet."""
    resume: Resume | None
    """None where the film ends: its end is never gone on from."""
    before: Chunk | None
    pending: Chunk


def _steps(
    film: Path, name: str, labeller: Labeller, journal: Journal, decoded: list[DecodedFilm]
) -> Generator[_Step, None, None]:
    """Each chunk is judged once the next one is there."""
    params, resume = labeller.params, journal.progress.resume
    before, pending = journal.before, journal.pending
    judged = partial(
        judged_chunk,
        film=name,
        names=names_of(labeller.teachers),
        rule=labeller.rule,
        params=params,
    )
    locate = Locator(labeller.detector, min_overlap=params.track_overlap, max_gap=params.max_gap, resume=resume)
    frames = _frames(film, labeller.every, resume, decoded)
    follow = None
    if labeller.association is not None:
        follow = JointFollower(labeller.association, resume.followed if resume else [])
    for chunk, state in estimated(locate(frames), labeller.teachers):
        if follow is not None:
            chunk = follow(chunk)
            state = replace(state, followed=follow.memory()) if state else None
        part = None if pending is None else judged(before, pending, chunk)
        before, pending = pending, chunk
        yield _Step(part, state, before, pending)
    if pending is not None:
        yield _Step(judged(before, pending, None), None, before, pending)


def _frames(film: Path, every: int, resume: Resume | None, decoded: list[DecodedFilm]) -> Iterator[Frame]:
    start = resume.index if resume else 0
    frames = iter_frames(film, report=decoded.append)
    wanted = (frame for frame in frames if frame.index % every == 0 and frame.index >= start)
    return track(wanted, film.name, unit="frame")


def _added(journal: Journal, progress: FilmProgress, part: JudgedChunk) -> FilmProgress:
    """Write who was kept, and count everybody."""
    kept = part.people.take(part.verdict.kept)
    images, people = journal.add(kept, part.images, first_id=progress.counts["annotations"] + 1)
    accepted = part.verdict.reason == KEPT
    counts = Counter(progress.counts) + Counter(
        frames=len(part.images),
        images=images,
        annotations=people,
        people_found=len(part.people),
        joints_found=accepted.size,
        joints_accepted=int((accepted & part.verdict.kept[:, None]).sum()),
    )
    return replace(
        progress,
        counts={**progress.counts, **counts},
        dropped=dict(Counter(progress.dropped) + Counter(part.dropped_for[part.dropped_for != ""].tolist())),
        reasons=dict(Counter(progress.reasons) + Counter(part.verdict.reason.ravel().tolist())),
        accepted=(np.array(progress.accepted) + accepted.sum(axis=0)).tolist(),
    )


def _metrics(name: str, labeller: Labeller, progress: FilmProgress, decoded: Sequence[DecodedFilm]) -> dict[str, Any]:
    counts = progress.counts
    outcome = LABELLED if counts["annotations"] else NOBODY_KEPT if counts["people_found"] else NOBODY_FOUND
    found = max(counts["people_found"], 1)
    return {
        "film": name,
        "outcome": outcome,
        "frames": counts["frames"],
        "frames_lost": sum(each.lost for each in decoded),
        "frames_damaged": sum(each.damaged for each in decoded),
        "people_found": counts["people_found"],
        "people_kept": counts["annotations"],
        "people_dropped": {reason: progress.dropped.get(reason, 0) for reason in PERSON_REASONS},
        "joints": {reason: progress.reasons.get(reason, 0) for reason in VERDICTS},
        "joint_acceptance": {
            joint: round(count / found, 4) for joint, count in zip(COCO_KEYPOINTS, progress.accepted, strict=True)
        },
        "detector": labeller.detector.name,
        "trust": "thresholds" if labeller.rule is None else f"precision {labeller.rule.precision:g}",
    }
