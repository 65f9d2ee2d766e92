"""Several sources as one set: names, formats, ids that do not collide, and the account of what became of each record.

An image's id is its source's place in the list times `ID_STRIDE` plus its number in that source, so a source that
grows or is appended leaves the ids of the others alone. The ids that a source wrote stay in the extra columns
`source_id` (with the source's name in front where there are several) and `source_image_id`; `source_name` says which.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from dataengine.errors import ParamsError
from dataengine.format_table import FORMATS, format_named
from dataengine.formats.reading.content import BadRecord, Limits, SourceContent
from dataengine.formats.writing import copy_images
from dataengine.leakage.film_names import is_by_content
from dataengine.people import Images, People
from dataengine.terminal.progress import track

from ..quality.intake import Intake
from ..splits.assign import DROPPED

ID_STRIDE = 100_000_000  # more images than any source has; default cameras and pool videos stay below
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class SourceParams:
    """One entry of `ingest.sources`."""

    images: str
    """The folder that the names of the images are relative to."""
    annotations: str = ""
    """The annotation file, or folder where the format has one; `frames` needs none."""
    format: str = "coco"
    """A name in dataengine/format_table.py."""
    name: str = ""
    """Stored with every person of the source; may be left out where there is one source."""

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise ParamsError("format", expected=" | ".join(FORMATS), got=repr(self.format))
        if not self.images or bool(self.annotations) == FORMATS[self.format].unlabelled:
            needed = "images" if FORMATS[self.format].unlabelled else "annotations and images"
            raise ParamsError(f"format {self.format}", expected=f"{needed}, and no other path")
        if self.name and not NAME.fullmatch(self.name):
            raise ParamsError("name", expected="letters, digits, . _ -", got=repr(self.name))


@dataclass(frozen=True, eq=False)
class UserSource:
    """A source that has been read."""

    name: str
    folder: Path
    """Folder of its images."""
    content: SourceContent
    """What was read, with image ids that are unique among the sources."""
    unlabelled: bool


def check_names(sources: Sequence[SourceParams]) -> None:
    """Raise `ParamsError` unless each of several sources has a unique name."""
    names = [source.name for source in sources]
    if len(sources) > 1 and (not all(names) or len(set(names)) < len(names)):
        raise ParamsError("params ingest.sources", expected="a unique name for every source", got=f"{names}")


def read_sources(params: Sequence[SourceParams], limits: Limits) -> list[UserSource]:
    """Read all, in their order. Raises `InputError` where a source as a whole cannot be read."""
    several = len(params) > 1
    sources = []
    for place, entry in enumerate(track(params, "read sources", total=len(params), unit="source"), 1):
        source_format = format_named(entry.format)
        content = source_format.read(Path(entry.annotations), Path(entry.images), limits)
        name = entry.name or entry.format
        content_with_ids = _moved(content, place * ID_STRIDE, name, prefix=f"{name}/" if several else "")
        sources.append(UserSource(name, Path(entry.images), content_with_ids, source_format.unlabelled))
    return _films_apart(sources)


def _films_apart(sources: Sequence[UserSource]) -> list[UserSource]:
    """Films of one name in two sources are two: the later one gets its source's name in front.

    The first keeps its name, so that a source which is appended renames nothing. A name by content is one film.
    """
    taken, apart = set[str](), list[UserSource]()
    for source in sources:
        images = source.content.images
        names = set(images.video.tolist()) - {""}
        clash = {name for name in names & taken if not is_by_content(name)}
        taken |= names
        video = [f"{source.name}/{name}" if name in clash else name for name in images.video.tolist()]
        renamed = images.replace(video=np.array(video, dtype=str)) if clash else images
        apart.append(replace(source, content=replace(source.content, images=renamed)))
    return apart


def combined(sources: Sequence[UserSource]) -> tuple[People, Images]:
    """All people and images of the sources."""
    return People.concat(s.content.people for s in sources), Images.concat(s.content.images for s in sources)


def all_bad(sources: Sequence[UserSource]) -> list[BadRecord]:
    """Every bad record, source by source."""
    return [record for source in sources for record in source.content.bad]


def copied(images: Images, sources: Sequence[UserSource], target: Path) -> Images:
    """The images copied below `target`/<source>, so that the set is whole and versioned. Their order may change."""
    place = images.id // ID_STRIDE
    first = {source.name: _place(source) for source in sources}
    return Images.concat(
        copy_images(images.take(place == first[source.name]), source.folder, target / source.name)
        for source in sources
        if first[source.name] is not None
    )


def recording_names(images: Images, sources: Sequence[UserSource]) -> list[str]:
    """(m,) the recording that each image is a frame of, where it is of no video: its source and its folder in there."""
    by_place = {_place(source): source for source in sources}
    names = []
    for path, identity in zip(images.path.tolist(), images.id.tolist(), strict=True):
        source = by_place[identity // ID_STRIDE]
        inner = Path(path).parent.relative_to(source.folder).as_posix()
        names.append(source.name if inner == "." else f"{source.name}/{inner}")
    return names


def account(sources: Sequence[UserSource], intake: Intake) -> dict[str, dict[str, object]]:
    """Per source: records in = kept + quarantined + merged + left_out + passed_over; what was passed over, dropped."""
    return {source.name: _account(source, intake) for source in sources}


def _account(source: UserSource, intake: Intake) -> dict[str, object]:
    content = source.content
    people_in, images_in = content.people, content.images
    ids = set(images_in.id.tolist())
    is_used = intake.split != DROPPED
    kept_images = sum(identity in ids for identity in intake.images.id[is_used].tolist())
    kept_people = int((intake.people.extras["source_name"][intake.people_split() != DROPPED] == source.name).sum())
    out = intake.quality.left_out
    left_images = sum(identity in ids for identity in intake.images.id[out].tolist())
    left_people = int((intake.people.extras["source_name"][out[intake.people_rows()]] == source.name).sum())
    left_out = left_images + left_people
    image_names, person_names = set(map(str, ids)), set(map(str, people_in.extras["source_id"]))
    lost = [f for f in intake.quality.findings if f.severity == "quarantine" and f.check != "record"]
    quarantined = sum(f.id in (image_names if f.table == "images" else person_names) for f in lost)
    counts = {
        "in": content.records,
        "kept": kept_images + kept_people,
        "quarantined": len(content.bad) + quarantined,
        "merged": len(people_in) + len(images_in) - kept_images - kept_people - left_out - quarantined,
        "left_out": left_out,
        "passed_over": content.notes.total,
    }
    dropped = {"joints": dict(content.dropped_joints), "fields": dict(content.dropped_fields)}
    facts = {"records": counts, "people": kept_people, "images": kept_images}
    return {**facts, **content.notes.as_json(), "dropped": dropped}


def _moved(content: SourceContent, shift: int, name: str, *, prefix: str) -> SourceContent:
    people, images = content.people, content.images
    if prefix:
        ids = np.array([f"{prefix}{identity}" for identity in people.extras["source_id"]], dtype=str)
        people = people.with_extra("source_id", ids)
    people = people.replace(image_id=people.image_id + shift).with_extra("source_name", np.full(len(people), name))
    return replace(content, people=people, images=images.replace(id=images.id + shift))


def _place(source: UserSource) -> int | None:
    ids = source.content.images.id
    return int(ids[0]) // ID_STRIDE if len(ids) else None
