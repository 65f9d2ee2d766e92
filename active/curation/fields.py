"""The fields of a dataset, with the words that the App shows about each. docs/curation.md lists them.

Adding a field: a line in `FIELDS` (and in `OF_PEOPLE` where single people have it), set in `records.py`.
What fails silently: a figure that is not in the table is kept by the database, and neither shown nor filtered by.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..manifest.files import SCORE_NAMES
from .documents import LISTS, SampleRecord
from .handwork import WRITTEN

FIELDS: Mapping[str, tuple[str, str]] = {
    "sha256": ("text", "Hash of the picture's file, by which samples are known"),
    "video": ("text", "The film that the picture is from"),
    "frame": ("whole", "Its frame, -1 for a still"),
    "source": ("text", "real (labelled by people), synthetic (rendered) or pseudo (found by teachers)"),
    "round": ("whole", "The round whose models and figures are shown"),
    "asked_round": ("whole", "The last round of the ledger that asked for it, see `dataengine ledger`"),
    "answered_round": ("whole", "The round that its labels answer"),
    "answered_by": ("text", "Who gave the labels that count"),
    "rank": ("whole", "Place among the picks, 0 the most wanted"),
    "why": ("text", "Why it was picked"),
    "stands_for": ("whole", "Candidate pictures that this pick is nearest to, itself among them"),
    "ground_truth": ("Keypoints", "Labels; joints that are not labelled have no place"),
    "student": ("Keypoints", "The candidate: this round's student, by select"),
    "champion": ("Keypoints", "The registry's champion, in the same boxes"),
    "teacher": ("Keypoints", "What the teachers agreed on"),
    "pseudo": ("Keypoints", "Pseudo-labels with what was kept and why not; confidence is the weight in training"),
    "people": ("Detections", "Boxes of unlabelled people with their figures"),
    "student_oks": ("number", "COCO's OKS of the student with the labels, of the worst person"),
    "champion_oks": ("number", "COCO's OKS of the champion with the labels, of the worst person"),
    "models_oks": ("number", "OKS between champion and student, of the person on whom they differ most"),
    "mistake_probability": ("number", "Probability that a label is wrong, of the likeliest"),
    "cluster": ("whole", "Pose cluster of the rarest person"),
    "rarity": ("number", "How rare the rarest pose is in training, 0 to 1"),
    "rare": ("flag", "Whether that pose is in a rare cluster, or novel"),
    "novel": ("flag", "Whether that pose is beyond all that training shows"),
    "uncertainty": ("number", "OKS that the student is expected to lose on the least certain person"),
    **{f"uncertainty_{name}": ("number", f"Its score {name}, see docs/selection.md") for name in SCORE_NAMES},
    WRITTEN: ("mapping", "Hashes of what the build wrote, by which later ones see what people changed"),
}
"""Name -> kind and description."""
STANDS = {"cluster": "whole", "rarity": "number", "rare": "flag", "novel": "flag"}
OF_PEOPLE: Mapping[str, Mapping[str, str]] = {
    "ground_truth": {"visibility": "wholes", "mistake": "text", "mistake_probability": "number", **STANDS},
    "student": {"visibility": "wholes", "error": "text", "oks": "number"},
    "champion": {"oks": "number", "models_oks": "number"},
    "teacher": {"visibility": "wholes"},
    "pseudo": {"visibility": "wholes", "kept": "flag", "dropped_for": "text", "reasons": "texts"},
    "people": {
        **{name: "number" for name in ("uncertainty", *(f"uncertainty_{score}" for score in SCORE_NAMES))},
        **STANDS,
    },
}
"""Name of a field of labels -> what each person's label has besides FiftyOne's own attributes."""
ALWAYS = ("sha256", "rank", "why", "stands_for", WRITTEN)
"""Fields that a dataset has even where no sample does: nothing may have been picked."""


def declare_fields(fiftyone: Any, dataset: Any, records: Iterable[SampleRecord]) -> set[str]:
    """Give the dataset the fields and attributes that some record sets, and return the fields' names."""
    used = set(ALWAYS)
    attributes: set[tuple[str, str]] = set()
    for record in records:
        for name, value in record.fields.items():
            if value is not None:
                used.add(name)
                attributes |= {(name, own) for own in _attributes(name, value)}
    present = dataset.get_field_schema(flat=True)
    for name, (kind, words) in FIELDS.items():
        if name in used and name not in present:
            dataset.add_sample_field(name, description=words, **_type(fiftyone, kind))
    for name, own in sorted(attributes):
        path = f"{name}.{LISTS[FIELDS[name][0]]}.{own}"
        if path not in present:
            dataset.add_sample_field(path, **_type(fiftyone, OF_PEOPLE[name][own]))
    return used


def _attributes(name: str, value: Any) -> set[str]:
    if name not in OF_PEOPLE:
        return set()
    return {own for label in value[LISTS[value["_cls"]]] for own in OF_PEOPLE[name] if own in label}


def _type(fiftyone: Any, kind: str) -> dict[str, Any]:
    if kind in LISTS:
        return {"ftype": fiftyone.EmbeddedDocumentField, "embedded_doc_type": getattr(fiftyone, kind)}
    plain = {
        "text": fiftyone.StringField,
        "whole": fiftyone.IntField,
        "number": fiftyone.FloatField,
        "flag": fiftyone.BooleanField,
        "mapping": fiftyone.DictField,
    }
    if kind in plain:
        return {"ftype": plain[kind]}
    return {"ftype": fiftyone.ListField, "subfield": plain[kind.removesuffix("s")]}
