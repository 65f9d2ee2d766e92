"""What came back from an annotation tool, whatever its format: people, pictures that show nobody, and by whom.

Pictures are identified by their sha256, not by name or id, since tools rename and renumber. `coco_answers` reads COCO
person_keypoints JSON; two keys of ours say what COCO cannot: `annotator` of an annotation or image, and `nobody: true`
of an image in which the annotator saw no person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dataengine.coco_json import read_project_people
from dataengine.errors import InputError
from dataengine.files import read_json, sha256_file
from dataengine.people import Images, People
from dataengine.person_scale import AREA_FROM, GIVEN, MASK, scale_columns, with_area, with_joint_area

from .sent import Sent

LISTED = 5
"""Bad records that an error names; the rest are counted."""
UNNAMED = "unnamed"


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


def coco_answers(
    path: Path, sent: Sent, *, images: Path | None = None, annotator: str = "", empty_is_nobody: bool = False
) -> AnnotatorAnswers:
    """Read the COCO file `path` about pictures that were `sent`.

    Args:
        images: folder of the pictures, if not where the file says.
        annotator: who labelled what the file gives no name for.
        empty_is_nobody: whether a picture without people shows nobody; else it was not answered, unless it says so.

    Raises:
        InputError: the file is malformed, a picture was not sent, or one shows people and nobody.
    """
    people, named = read_project_people(path)
    if images is not None:
        named = named.replace(path=[str(images / Path(name).name) for name in named.path.tolist()])
    record = read_json(path)["images"]  # in the order of `named`
    sha256 = _sent_hashes(named, sent)
    row = named.rows_of(people.image_id)
    names = [_name(entry.get("annotator"), annotator or UNNAMED, path) for entry in record]
    given = people.extras.get("annotator", np.full(len(people), None))
    by = [_name(value, names[r], path) for value, r in zip(given, row.tolist(), strict=True)]
    populated = set(row.tolist())
    empty = [r for r in range(len(named)) if _is_empty(record[r], r in populated, empty_is_nobody, path)]
    nobody = {str(sha256[r]): names[r] for r in empty}
    contradicted = sorted(set(nobody) & set(sha256[row].tolist()))
    if contradicted:
        raise InputError(f"{path} says of a picture both that it shows people and nobody", got=contradicted[0])
    rows_sent = {key: number for number, key in enumerate(sent.sha256.tolist())}
    image_id = sent.images.id[[rows_sent[key] for key in sha256[row].tolist()]]
    columns = {"sha256": sha256[row], "annotator": np.array(by, dtype=str), **scale_columns(_measured(people))}
    return AnnotatorAnswers(people=people.replace(image_id=image_id.astype(np.int64), extras=columns), nobody=nobody)


def _sent_hashes(named: Images, sent: Sent) -> np.ndarray[Any, np.dtype[np.str_]]:
    """Hash (m,) of each picture that the file names."""
    missing = [path for path in named.path.tolist() if not Path(path).is_file()]
    if missing:
        raise InputError(f"image {missing[0]} does not exist", fix="give --images, the folder the images lie in")
    hashes = np.array([sha256_file(Path(path)) for path in named.path.tolist()], dtype="<U64")
    known = set(sent.sha256.tolist())
    unknown = [path for path, key in zip(named.path.tolist(), hashes.tolist(), strict=True) if key not in known]
    if unknown:
        raise InputError(
            f"{len(unknown)} labelled images were not sent out",
            got=", ".join(unknown[:LISTED]),
            fix="drop them, or give the record they were sent with; a re-encoded copy counts as another image",
        )
    return hashes


def _measured(people: People) -> People:
    """With the area of the joints as they are now; one of a mask, or of the source's own, stays.

    Tools write an area of their own, mostly the whole box's, so one counts only where `area_from` came back with it.
    """
    came_from = people.extras.get(AREA_FROM, np.full(len(people), ""))
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


def _is_empty(entry: Mapping[str, Any], has_people: bool, empty_is_nobody: bool, path: Path) -> bool:
    """Whether the annotator saw nobody in a picture."""
    says = entry.get("nobody", False)
    if not isinstance(says, bool):
        raise InputError(f"{path}: nobody of image {entry['id']}", expected="true or false", got=repr(says))
    if says and has_people:
        raise InputError(f"{path}: image {entry['id']} says nobody, and has people", fix="remove one of the two")
    return says or (empty_is_nobody and not has_people)
