"""New samples put into a dataset, as whole documents."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from dataengine.terminal.progress import track

from .documents import SampleRecord, sample_id
from .handwork import WRITTEN, hashes

BATCH = 500


def insert(dataset: Any, records: list[SampleRecord]) -> None:
    """Put new samples into the dataset."""
    batches = [records[start : start + BATCH] for start in range(0, len(records), BATCH)]
    shown = track(batches, "FiftyOne samples", unit="batch") if len(batches) > 1 else batches
    for batch in shown:
        dataset._sample_collection.insert_many([new_document(dataset, record) for record in batch])


def new_document(dataset: Any, record: SampleRecord) -> dict[str, Any]:
    """The whole document of a sample."""
    contents, now = record.contents(), datetime.now(UTC).replace(tzinfo=None)
    return {
        "_id": sample_id(record.sha256),
        "_media_type": "image",
        "_rand": 0.999 + int(record.sha256[-6:], 16) / 16**6 / 1000,  # FiftyOne's range; it shuffles by it
        "_dataset_id": dataset._doc.id,
        "created_at": now,
        "last_modified_at": now,
        "sha256": record.sha256,
        **contents,
        WRITTEN: hashes(contents),
    }
