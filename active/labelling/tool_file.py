"""The file that came back from an annotation tool: which format it has, where its pictures are, what it says of each.

`opened` reads a COCO file, CVAT's XML, Label Studio's JSON, or a zip with one of them. Adding a tool: an entry in
`TOOLS`, of a reader of `dataengine/formats` that takes a `PictureSearch`, and of a function that returns what the file
says of each picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataengine.errors import InputError
from dataengine.files import is_junk, read_json
from dataengine.formats.coco_like import read_coco_like
from dataengine.formats.coco_records import FormatLayout
from dataengine.formats.picture_search import PictureSearch
from dataengine.formats.reading.content import Limits, SourceContent
from dataengine.formats.tools.archives import is_archive, unpacked
from dataengine.formats.tools.cvat import cvat_root, is_nobody, read_cvat, shapes_of
from dataengine.formats.tools.label_studio import read_label_studio
from dataengine.formats.tools.label_studio_tasks import answers_of, picture_of, tasks_of

from .sent import is_called_by_content

XML_NAME = "annotations.xml"
LIMITS = Limits()
CAME_FROM = "came_from"
"""Column of people: `area_from` as the file states it. Tools write an area of their own, mostly the whole box's."""


@dataclass(frozen=True)
class PictureMark:
    """What a tool's file says of a picture besides the people in it."""

    name: str
    annotator: Any = None
    """Who labelled it, as written; None where the file does not say."""
    nobody: Any = False
    """Whether the annotator saw nobody, as written."""
    drawn: bool = False
    """Whether there is anything in it, be it a crowd or a box without joints."""


Marks = Sequence[PictureMark]


@dataclass(frozen=True)
class Tool:
    """How the files of a tool are read."""

    read: Callable[[Path, PictureSearch, Limits], SourceContent]
    marks: Callable[[Path, Limits], Marks]
    """One for each image of the file, in its order."""


@dataclass(frozen=True, eq=False)
class ToolFile:
    """A file that came back."""

    path: Path
    content: SourceContent
    """Image ids are numbers of `marks`, from 1."""
    marks: Marks


@contextmanager
def opened(
    path: Path, copies: Path, *, format_name: str = "", images: Path | None = None, limits: Limits = LIMITS
) -> Iterator[ToolFile]:
    """Read what a tool wrote; the pictures it names are there until the block ends.

    Args:
        path: an annotation file, or a zip with one and perhaps pictures.
        copies: the folder of the pictures that were sent.
        format_name: of `TOOLS`; by default known by the content.
        images: the only folder to look for pictures in; by default they are looked for as the file says, in the zip,
            and among the copies.

    Raises:
        InputError: the file is not of the format, or it is not clear which picture it means.
    """
    if images is not None and not images.is_dir():
        raise InputError(f"--images {images} is not a folder", expected="the folder of the images")
    if not is_archive(path):
        folders = [images] if images else [copies]
        yield _read(path, path, PictureSearch(_there(folders), relative_to=images or path.parent), format_name, limits)
        return
    with unpacked(path) as folder:
        folders = [images] if images else [folder, copies]
        yield _read(path, _annotations(path, folder), PictureSearch(_there(folders)), format_name, limits)


def recognised(path: Path) -> str:
    """The format of an annotation file, by how it begins."""
    if not path.is_file():
        raise InputError(f"{path} does not exist", fix="correct the path")
    with path.open("rb") as started:
        first = started.read(4096).lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    known = {b"<": "cvat", b"{": "coco", b"[": "label-studio"}
    if first not in known:
        expected = "COCO JSON, CVAT's XML, Label Studio's JSON, or a zip with one of them"
        raise InputError(f"{path} is of no known format", expected=expected)
    return known[first]


def _read(path: Path, annotations: Path, search: PictureSearch, format_name: str, limits: Limits) -> ToolFile:
    name = format_name or recognised(annotations)
    if name not in TOOLS:
        raise InputError(f"{path}: labels cannot be imported from format {name!r}", expected=" | ".join(TOOLS))
    content = TOOLS[name].read(annotations, search, limits)
    paths = content.images.path.tolist()
    repeated = sorted({found for found in paths if paths.count(found) > 1} & search.by_less)
    unclear = [found for found in repeated if not is_called_by_content(Path(found))]
    if unclear:
        raise InputError(
            f"{path} has {paths.count(unclear[0])} images that may be {unclear[0]}",
            expected="images that their folders tell apart",
            fix="give --images, a folder in which they lie as they were labelled",
        )
    return ToolFile(path, content, TOOLS[name].marks(annotations, limits))


def _annotations(path: Path, folder: Path) -> Path:
    """The annotation file of a zip that was unpacked into `folder`."""
    files = [each for each in sorted(folder.rglob("*")) if each.suffix in (".xml", ".json")]
    files = [each for each in files if not is_junk(each.relative_to(folder))]
    files = [each for each in files if each.name == XML_NAME] or files
    if len(files) == 1:
        return files[0]
    names = ", ".join(str(each.relative_to(folder)) for each in files[:5])
    fix = "unpack it, and import one after the other" if files else ""
    raise InputError(f"{path} is not an export", expected="one annotation file", got=names or "none", fix=fix)


def _there(folders: Sequence[Path]) -> list[Path]:
    return [folder for folder in folders if folder.is_dir()]


def _read_coco(annotations: Path, search: PictureSearch, limits: Limits) -> SourceContent:
    return read_coco_like(annotations, search, FormatLayout(any_joints=True, columns=_columns, reads_all=True), limits)


def _columns(record: dict[str, Any]) -> dict[str, Any]:
    origin = record.get("area_from")
    return {"annotator": record.get("annotator"), "area_from": origin, CAME_FROM: origin}


def _coco_marks(annotations: Path, limits: Limits) -> list[PictureMark]:
    document = read_json(annotations, largest_bytes=limits.annotation_bytes)
    drawn = {repr(record.get("image_id")) for record in document["annotations"] if isinstance(record, dict)}
    entries: list[Mapping[str, Any]] = [entry if isinstance(entry, dict) else {} for entry in document["images"]]
    return [
        PictureMark(
            name=str(entry.get("file_name")),
            annotator=entry.get("annotator"),
            nobody=entry.get("nobody", False),
            drawn=repr(entry.get("id")) in drawn,
        )
        for entry in entries
    ]


def _cvat_marks(annotations: Path, limits: Limits) -> list[PictureMark]:
    """CVAT says who a task or a job was assigned to, and a tag that a picture shows nobody."""
    root = cvat_root(annotations, limits)
    assigned = {(each.text or "").strip() for each in root.findall("./meta//assignee/username")} - {""}
    annotator = assigned.pop() if len(assigned) == 1 else None
    return [
        PictureMark(
            name=str(image.get("name")),
            annotator=annotator,
            nobody=any(is_nobody(shape) for shape in image),
            drawn=next(shapes_of(image), None) is not None,
        )
        for image in root.findall("image")
    ]


def _label_studio_marks(annotations: Path, limits: Limits) -> list[PictureMark]:
    """Each annotation says who made it, and a choice that a picture shows nobody."""
    marks = []
    for number, task in enumerate(tasks_of(annotations, limits)):
        answers = answers_of(number, task)
        empty = [answer for answer in answers if answer.says_nobody]
        first = next(iter(empty or answers), None)
        marks.append(
            PictureMark(
                name=picture_of(task),
                annotator=first.columns.get("annotator") if first is not None else None,
                nobody=bool(empty),
                drawn=any(answer.people() for answer in answers),
            )
        )
    return marks


TOOLS: Mapping[str, Tool] = {
    "coco": Tool(_read_coco, _coco_marks),
    "cvat": Tool(read_cvat, _cvat_marks),
    "label-studio": Tool(read_label_studio, _label_studio_marks),
}
