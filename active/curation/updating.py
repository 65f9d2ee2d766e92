"""An update of a dataset in place: only what a build wrote and the files now say otherwise is written.

A field that says what it said before is not touched, and keeps whatever people did to it. Where a field changes that
somebody edited, or a picture leaves on which somebody worked, the whole dataset is first copied under another name, and
a line says so. Each sample is written in one step, so that an update that is killed is finished by the next one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from dataengine.terminal.speech import say

from .documents import OWN_TAGS, SampleRecord, sample_id
from .fields import ALWAYS, FIELDS
from .handwork import WRITTEN, has_own_fields, hashes, own_tags, was_edited
from .inserting import insert


def update(fiftyone: Any, dataset: Any, records: list[SampleRecord], used: set[str]) -> None:
    """Bring the samples to what the records say; fields that no record sets any longer go."""
    collection = dataset._sample_collection
    ours = collection.find({"sha256": {"$ne": None}}, {"sha256": 1, "tags": 1, WRITTEN: 1})
    before = {document["sha256"]: document for document in ours}
    new = [record for record in records if record.sha256 not in before]
    leaving = sorted(set(before) - {record.sha256 for record in records})
    changes = {}
    for record in records:
        if record.sha256 in before:
            contents = record.contents()
            names = _changed(before[record.sha256].get(WRITTEN) or {}, hashes(contents))
            if names:
                changes[record.sha256] = (contents, names)
    if _somebody_worked(collection, {key: names for key, (_, names) in changes.items()}, leaving):
        _set_aside(fiftyone, dataset)
    if changes:
        _write(collection, changes, before)
    if leaving:
        collection.delete_many({"_id": {"$in": [sample_id(key) for key in leaving]}})
    insert(dataset, new)
    dataset.clear_cache()
    left = [name for name in FIELDS if name not in used and name not in ALWAYS and dataset.has_sample_field(name)]
    if left:
        dataset.delete_sample_fields(left)


def _changed(written: Mapping[str, str], now: Mapping[str, str]) -> set[str]:
    """Fields that say something else than they did, those that are gone among them."""
    return {name for name in {*written, *now} if written.get(name) != now.get(name)}


def _somebody_worked(collection: Any, changes: Mapping[str, set[str]], leaving: list[str]) -> bool:
    """Whether the update would overwrite or remove what a person made."""
    going = set(leaving)
    asked = [sample_id(key) for key in (*changes, *leaving)]
    for document in collection.find({"_id": {"$in": asked}}):
        if document["sha256"] in going:
            names = set(document.get(WRITTEN) or {})
            if own_tags(document, OWN_TAGS) or has_own_fields(document) or was_edited(document, names):
                return True
        elif was_edited(document, changes[document["sha256"]]):
            return True
    return False


def _set_aside(fiftyone: Any, dataset: Any) -> None:
    """Copy the dataset as people left it."""
    name = f"{dataset.name}-{datetime.now(UTC):%Y-%m-%dT%H-%M-%S}"
    while fiftyone.dataset_exists(name):
        name += "-again"
    dataset.clone(name, persistent=True)
    say(f"the FiftyOne dataset was edited by hand where it changes now; as it was it is kept as {name!r}")


def _write(
    collection: Any, changes: Mapping[str, tuple[dict[str, Any], set[str]]], before: Mapping[str, Mapping[str, Any]]
) -> None:
    from pymongo import UpdateOne

    operations, now = [], datetime.now(UTC).replace(tzinfo=None)
    for key, (contents, names) in changes.items():
        to_set = {name: contents[name] for name in names if name in contents}
        if "tags" in to_set:
            to_set["tags"] = [*to_set["tags"], *own_tags(before[key], OWN_TAGS)]
        to_set |= {WRITTEN: hashes(contents), "last_modified_at": now}
        gone = {name: "" for name in names if name not in contents}
        operations.append(UpdateOne({"_id": sample_id(key)}, {"$set": to_set, **({"$unset": gone} if gone else {})}))
    collection.bulk_write(operations, ordered=False)
