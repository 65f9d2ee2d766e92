"""All checks of one set, in order: pictures, identical ones merged, then people, then near duplicates.

`check_set` is the entry. Every record that went in comes out kept, quarantined or merged, and `Counts` refuses to be
made when that is not so.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import ParamsError
from dataengine.evaluation.ap.protocol import COCO, OksProtocol
from dataengine.formats.reading.content import ReaderNotes
from dataengine.leakage.perceptual_hash import perceptual_hashes
from dataengine.leakage.picture_facts import PictureFacts, inspect_pictures, treatments
from dataengine.people import Images, People
from dataengine.pictures.reading.header import LARGEST_MPX
from dataengine.pictures.stated_sizes import size_faults

from . import duplicates, limbs, person_boxes, sides
from .finding import Finding
from .near_duplicates import RowPairs, near_duplicates
from .params import ChecksParams
from .person_boxes import Fault

NO_NOTES = ReaderNotes()


@dataclass(frozen=True)
class Counts:
    """Images and annotations, added up."""

    records_in: int
    kept: int
    quarantined: int
    merged: int
    """Identical to a record that was kept (or quarantined for its own fault)."""
    left_out: int = 0
    """Good, but beyond `ingest.split.train_images`, or between two blocks of time."""
    passed_over: int = 0
    """Annotations that hold nothing to learn from, see `ReaderNotes`."""

    def __post_init__(self) -> None:
        accounted = self.kept + self.quarantined + self.merged + self.left_out + self.passed_over
        assert self.records_in == accounted, self

    @property
    def judged(self) -> int:
        """What the share of damaged records is taken of: all but those passed over."""
        return self.records_in - self.passed_over


@dataclass(frozen=True, eq=False)
class CheckedSet:
    """A set after its checks."""

    people: People
    """The people kept; extra column `suspect` names the checks that doubt them, joined by commas."""
    images: Images
    """The images kept, also those without people."""
    sha256: NDArray[np.str_]
    """(m,) SHA-256 of the images' files."""
    thumbnails: NDArray[np.uint8]
    """(m, 32, 32) grey."""
    near: RowPairs
    """Rows of `images` that are near duplicates of each other."""
    findings: list[Finding]
    counts: Counts
    notes: ReaderNotes
    """What the readers passed over and took for granted."""
    treated: dict[str, int]
    """What was done to pictures that are not simply 8 bits and upright, and to how many."""


def check_set(
    people: People,
    images: Images,
    params: ChecksParams,
    *,
    bad: Sequence[Finding] = (),
    notes: ReaderNotes = NO_NOTES,
    models: Path | None = None,
    largest_mpx: int = LARGEST_MPX,
    protocol: OksProtocol = COCO,
) -> CheckedSet:
    """Check a set that an adapter has read.

    `bad` are the records that the reader set aside, `notes` say what it passed over; both are counted.
    `models` is the folder of BlazePose, needed with `params.teacher` only; pictures of more than `largest_mpx` million
    pixels are quarantined unread. By `protocol` people are alike.
    """
    if params.teacher and models is None:
        raise ParamsError("params ingest.checks.teacher", expected="the folder of fetched models", got="none")
    records_in = len(people) + len(images) + len(bad) + notes.total
    findings = list(bad)
    images, people, looks = _readable(images, people, findings, largest_mpx)
    sha256 = np.array([look.sha256 for look in looks], dtype="<U64")
    images, people, kept_images = _merged_images(images, people, sha256)
    people = people.take(duplicates.identical_people(people) == np.arange(len(people)))
    collapsed = person_boxes.collapsed(people)
    findings += findings_of("collapsed", collapsed, people, images, with_row=False)
    people = people.take(np.setdiff1d(np.arange(len(people)), [fault.row for fault in collapsed]))
    doubts = _doubts(people, images, params, models, protocol)
    findings += [f for check, faults in doubts.items() for f in findings_of(check, faults, people, images)]
    thumbnails = np.array([looks[row].thumbnail for row in kept_images], dtype=np.uint8).reshape(-1, 32, 32)
    quarantined = sum(finding.severity == "quarantine" for finding in findings)
    kept = len(people) + len(images)
    return CheckedSet(
        people=people.with_extra("suspect", _suspect_column(len(people), doubts)),
        images=images,
        sha256=sha256[kept_images],
        thumbnails=thumbnails,
        near=near_duplicates(
            perceptual_hashes(thumbnails),
            thumbnails,
            bits=params.near_duplicate_bits,
            correlation=params.near_duplicate_correlation,
        ),
        findings=findings,
        counts=Counts(
            records_in, kept, quarantined, records_in - kept - quarantined - notes.total, passed_over=notes.total
        ),
        notes=notes,
        treated=treatments(looks),
    )


def findings_of(
    check: str, faults: Sequence[Fault], people: People, images: Images, *, with_row: bool = True
) -> list[Finding]:
    """Findings about people, named by their source's id and their image."""
    names = short_names(images)
    ids = people.extras["source_id"] if "source_id" in people.extras else np.arange(1, len(people) + 1)
    rows = images.rows_of(people.image_id)
    return [
        Finding(check, "annotations", str(ids[f.row]), names[rows[f.row]], f.reason, f.score, f.row if with_row else -1)
        for f in faults
    ]


def short_names(images: Images) -> list[str]:
    """The images' paths below the folder that all of them share."""
    paths = images.path.tolist()
    parents = {path.rpartition("/")[0] for path in paths}
    if len({path.startswith("/") for path in paths}) != 1 or "" in parents:
        return paths
    folder = os.path.commonpath(parents)
    return [path.removeprefix(folder).lstrip("/") for path in paths]


def _readable(
    images: Images, people: People, findings: list[Finding], largest_mpx: int
) -> tuple[Images, People, list[PictureFacts]]:
    """The images that decode and are of the stated size, and the people on them."""
    names = short_names(images)
    found = inspect_pictures(images.path.tolist(), largest_mpx)
    faults = _picture_faults(found, list(zip(images.width.tolist(), images.height.tolist(), strict=True)))
    findings += [
        Finding("picture", "images", str(images.id[row]), names[row], fault)
        for row, fault in enumerate(faults)
        if fault
    ]
    good = np.array([not fault for fault in faults], dtype=bool)
    looks = [look for look, fault in zip(found, faults, strict=True) if isinstance(look, PictureFacts) and not fault]
    with_picture = good[images.rows_of(people.image_id)] if len(people) else np.empty(0, dtype=bool)
    lost = [Fault(int(row), "its image is quarantined", 0.0) for row in np.flatnonzero(~with_picture)]
    findings += findings_of("picture", lost, people, images, with_row=False)
    return images.take(good), people.take(with_picture), looks


def _picture_faults(found: Sequence[PictureFacts | str], stated: Sequence[tuple[int, int]]) -> list[str]:
    """For each picture: why it cannot be used, by what was found or by its `stated` size; else ""."""
    faults = [look if isinstance(look, str) else "" for look in found]
    rows = [row for row, look in enumerate(found) if isinstance(look, PictureFacts)]
    headers = [look.header for look in found if isinstance(look, PictureFacts)]
    for row, fault in zip(rows, size_faults([stated[row] for row in rows], headers), strict=True):
        faults[row] = fault
    return faults


def _merged_images(
    images: Images, people: People, sha256: NDArray[np.str_]
) -> tuple[Images, People, NDArray[np.int64]]:
    """Each picture once, the people of its copies moved to it, and the rows that remain."""
    first = duplicates.identical_images(sha256, images)
    rows = images.rows_of(people.image_id)
    first_rows = np.flatnonzero(first == np.arange(len(images)))
    return images.take(first_rows), people.replace(image_id=images.id[first[rows]]), first_rows


def _doubts(
    people: People, images: Images, params: ChecksParams, models: Path | None, protocol: OksProtocol
) -> dict[str, list[Fault]]:
    """Every check that leaves people in the set, by its name."""
    checks: dict[str, Callable[[], list[Fault]]] = {
        "tiny": lambda: person_boxes.tiny(people, params.tiny_px),
        "outside": lambda: person_boxes.outside(people, images, params.outside_share),
        "box": lambda: person_boxes.joints_off_box(people, params.box_margin),
        "twice": lambda: duplicates.same_person_twice(
            people, oks=params.same_person_oks, iou=params.same_person_iou, protocol=protocol
        ),
        "limbs": lambda: limbs.long_limbs(people, least_excess=params.limb_excess, deviations=params.limb_deviations),
        "sides": lambda: sides.swapped_sides(people, prior=params.swap_prior, probability=params.swap_probability),
    }
    if params.teacher and models is not None:
        from .teacher_sides import teacher_sides  # LiteRT is slow to import

        checks["teacher-sides"] = lambda: teacher_sides(people, images, models)
    return {name: check() for name, check in checks.items()}


def _suspect_column(count: int, doubts: dict[str, list[Fault]]) -> NDArray[np.str_]:
    names: list[list[str]] = [[] for _ in range(count)]
    for check, faults in doubts.items():
        for fault in faults:
            names[fault.row].append(check)
    return np.array([",".join(checks) for checks in names], dtype=str)
