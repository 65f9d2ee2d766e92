"""What came back from an annotation tool, whatever its format: people, pictures that show nobody, and by whom.

Pictures are identified by their sha256, not by name or id, since tools rename and renumber. `tool_answers` reads what
`tool_file.opened` opened. Two keys of ours say what COCO cannot: `annotator` of an annotation or image, and `nobody:
true` of an image in which the annotator saw no person; in CVAT they are an attribute and a tag.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.files import sha256_file
from dataengine.labels.labelling_time import LEAD_TIME
from dataengine.people import People
from dataengine.person_scale import GIVEN, MASK, scale_columns, with_area, with_joint_area

from .foreign import explained
from .repeats import labelled_again, labelled_by_another, shares_nobody
from .returned import LISTED, Returned
from .sent import Sent
from .tool_file import CAME_FROM, PictureMark, ToolFile

UNNAMED = "unnamed"
LABELLED_AT = "labelled_at"
"""Column of the readers whose tools say when."""


@dataclass(frozen=True, eq=False, kw_only=True)
class AnnotatorAnswers:
    """What annotators say about the pictures that were sent."""

    people: People
    """In pictures of `Sent.images`, with columns `sha256`, `annotator` and the scale of OKS."""
    nobody: Mapping[str, str]
    """sha256 of each picture without a person -> the annotator."""

    @property
    def sha256(self) -> frozenset[str]:
        """The pictures that were answered."""
        return frozenset(self.people.extras["sha256"].tolist()) | frozenset(self.nobody)

    def take(self, sha256: frozenset[str]) -> AnnotatorAnswers:
        """The answers about some of the pictures."""
        return AnnotatorAnswers(
            people=self.people.take(np.isin(self.people.extras["sha256"], sorted(sha256))),
            nobody={key: annotator for key, annotator in self.nobody.items() if key in sha256},
        )


def tool_answers(
    file: ToolFile, sent: Sent, record: Path, *, annotator: str = "", empty_is_nobody: bool = False
) -> tuple[AnnotatorAnswers, Returned]:
    """What a tool's file says about the pictures that were `sent`, and what of it is not used.

    Args:
        record: the file that `sent` was read from; others in its folder are of other rounds.
        annotator: who labelled what the file gives no name for.
        empty_is_nobody: whether a picture without people shows nobody; else it was not answered, unless it says so.

    Raises:
        InputError: a record is wrong, labelled pictures are not there, or one shows people and nobody.
    """
    not_found = _checked(file)
    content, images = file.content, file.content.images
    sha256 = np.array([sha256_file(Path(path)) for path in images.path.tolist()], dtype="<U64")
    ours = np.isin(sha256, sent.sha256)
    row = images.rows_of(content.people.image_id)
    returned = explained(images.take(~ours), sha256[~ours].tolist(), sent, record).with_notes_of(content)
    used = content.people.take(ours[row])
    people = _of_pictures(used, file, sha256[row[ours[row]]], annotator or UNNAMED)
    in_place, relabelled = labelled_again(people, used.image_id, _times(used))
    returned = replace(
        returned,
        not_found=not_found,
        people_of_others=int((~ours[row]).sum()),
        listed_twice=_twice(file, np.flatnonzero(ours), sha256),
        same_person=_where(people.take(in_place), sent),
        relabelled=_where(people.take(relabelled), sent),
    )
    nobody = _nobody(file, np.flatnonzero(ours), sha256, empty_is_nobody, annotator or UNNAMED)
    contradicted = sorted(set(nobody) & set(people.extras["sha256"].tolist()))
    if contradicted:
        raise InputError(f"{file.path} says of a picture both that it shows people and nobody", got=contradicted[0])
    return AnnotatorAnswers(people=_in_sent(people.take(~(in_place | relabelled)), sent), nobody=nobody), returned


def once(answers: AnnotatorAnswers, returned: Returned, sent: Sent) -> tuple[AnnotatorAnswers, Returned]:
    """Each person once, where two annotators labelled the same picture."""
    by_another = labelled_by_another(answers.people)
    told = replace(returned, two_annotators=_where(answers.people.take(by_another), sent))
    return replace(answers, people=answers.people.take(~by_another)), told


def _checked(file: ToolFile) -> list[str]:
    """Names of pictures that are not there and that nobody says anything of.

    Raises:
        InputError: something is said of a picture that is not there, or a record is wrong.
    """
    bad = file.content.bad
    there = set(file.content.images.id.tolist())
    missing = [mark for number, mark in enumerate(file.marks, 1) if number not in there]
    reasons = [each for each in bad if each.table == "images"]
    if any(mark.drawn or mark.nobody for mark in missing):
        shown = ", ".join(f"{each.file} {each.reason}" for each in reasons[:LISTED])
        gone = any("does not exist" in each.reason for each in reasons)
        fix = "give --images, the folder the images lie in" if gone else "label the images as they were sent out"
        raise InputError(f"{file.path}: {len(reasons)} labelled images cannot be used", got=shown, fix=fix)
    wrong = [f"{each.id}: {each.reason}" for each in bad if each.table != "images"]
    if wrong:
        more = f" and {len(wrong) - LISTED} more" if len(wrong) > LISTED else ""
        raise InputError(f"{file.path} has wrong records", got=", ".join(wrong[:LISTED]) + more, fix="correct them")
    return [mark.name for mark in missing]


def _of_pictures(people: People, file: ToolFile, sha256: NDArray[np.str_], annotator: str) -> People:
    """With columns `sha256`, `annotator`, the scale of OKS and, where the tool says, the time taken, and no others."""
    named = [file.marks[number - 1].annotator for number in people.image_id.tolist()]
    given = people.extras.get("annotator", np.full(len(people), None)).tolist()
    by = [
        _name(own, _name(of_picture, annotator, file.path), file.path)
        for own, of_picture in zip(given, named, strict=True)
    ]
    columns = {"sha256": sha256, "annotator": np.array(by, dtype=str), **scale_columns(_measured(people))}
    columns |= {name: column for name, column in people.extras.items() if name == LEAD_TIME}
    return people.replace(extras=columns)


def _times(people: People) -> NDArray[np.str_]:
    """When each person was labelled (n,), as the tool states it; "" where it does not."""
    stated = people.extras.get(LABELLED_AT, np.full(len(people), None)).tolist()
    return np.array([at if isinstance(at, str) else "" for at in stated], dtype=str)


def _in_sent(people: People, sent: Sent) -> People:
    """In the pictures of `sent.images`."""
    rows = {key: number for number, key in enumerate(sent.sha256.tolist())}
    image_id = sent.images.id[[rows[key] for key in people.extras["sha256"].tolist()]]
    return people.replace(image_id=image_id.astype(np.int64))


def _nobody(
    file: ToolFile, rows: NDArray[np.int64], sha256: NDArray[np.str_], empty_is_nobody: bool, annotator: str
) -> dict[str, str]:
    """sha256 -> annotator of each picture, of those in `rows`, in which the annotator saw nobody."""
    populated = set(file.content.people.image_id.tolist())
    nobody: dict[str, str] = {}
    for row in rows.tolist():
        number = int(file.content.images.id[row])
        mark = file.marks[number - 1]
        if _is_empty(mark, number, number in populated, empty_is_nobody, file.path):
            nobody.setdefault(str(sha256[row]), _name(mark.annotator, annotator, file.path))
    return nobody


def _twice(file: ToolFile, rows: NDArray[np.int64], sha256: NDArray[np.str_]) -> list[str]:
    """Names of the pictures, of those in `rows`, that have more than one entry.

    Raises:
        InputError: two entries show different people. So they are two pictures, which a tool gave one name.
    """
    content = file.content
    entries: dict[str, list[int]] = {}
    for row in rows.tolist():
        entries.setdefault(str(sha256[row]), []).append(row)
    repeated = [same for same in entries.values() if len(same) > 1]
    for same in repeated:
        people = [content.people.take(content.people.image_id == content.images.id[row]) for row in same]
        if any(shares_nobody(*pair) for pair in combinations(people, 2)):
            raise InputError(
                f"{file.path} has {len(same)} entries of {content.images.path[same[0]]}, which show different people",
                expected="a name of its own for each image",
                fix="export with folders, or give --images, a folder in which they lie as they were labelled",
            )
    return [Path(content.images.path[same[0]]).name for same in repeated]


def _where(people: People, sent: Sent) -> list[str]:
    """For each person, the picture that was sent, and who labelled."""
    names = {key: Path(path).name for key, path in zip(sent.sha256.tolist(), sent.images.path.tolist(), strict=True)}
    pairs = zip(people.extras["sha256"].tolist(), people.extras["annotator"].tolist(), strict=True)
    return [f"{names[key]} ({annotator})" for key, annotator in pairs]


def _measured(people: People) -> People:
    """With the area of the joints as they are now; one of a mask, or of the source's own, stays.

    Tools write an area of their own, mostly the whole box's, so one counts only where `area_from` came back with it.
    """
    came_from = people.extras.get(CAME_FROM, np.full(len(people), ""))
    kept = np.isin(came_from.astype(str), [MASK, GIVEN])
    measured = with_joint_area(people)
    for name, column in scale_columns(with_area(people.take(kept))).items():
        measured.extras[name][kept] = column
    return measured


def _name(value: Any, otherwise: str, path: Path) -> str:
    if value is None or value == "":
        return otherwise
    if not isinstance(value, str):
        raise InputError(f"{path} names an annotator by something else than a text", got=repr(value))
    return value


def _is_empty(mark: PictureMark, number: int, has_people: bool, empty_is_nobody: bool, path: Path) -> bool:
    """Whether the annotator saw nobody in a picture. A crowd, or a box without joints, is somebody."""
    if not isinstance(mark.nobody, bool):
        raise InputError(f"{path}: nobody of image {number}", expected="true or false", got=repr(mark.nobody))
    if mark.nobody and has_people:
        raise InputError(f"{path}: image {number} says nobody, and has people", fix="remove one of the two")
    return mark.nobody or (empty_is_nobody and not mark.drawn)
