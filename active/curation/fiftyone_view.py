"""The FiftyOne dataset of a run: a view for people, never the only copy.

Everything in it is made from files (`run_tables.py`), and samples are known by their picture's sha256, so the dataset
can be thrown away and built again, with the same content and ids. `ensure_dataset` builds it where the database lacks
it, leaves it alone where nothing changed, and otherwise updates it in place (`updating.py`): an App that is open goes
on, and tags, fields and views of people stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dataengine.errors import EnvironmentFault
from dataengine.keypoints import COCO_KEYPOINTS, COCO_SKELETON
from dataengine.terminal.speech import say

from .brain_map import save_brain_runs
from .database import database_faults_as_one_line, open_fiftyone
from .database_turn import one_at_a_time
from .documents import SampleRecord, check_format
from .fields import declare_fields
from .inserting import insert
from .records import sample_records
from .run_tables import RunTables
from .updating import update
from .views import LIKELY_MISTAKES, TO_LABEL, save_views

__all__ = ["LIKELY_MISTAKES", "TO_LABEL", "ensure_dataset", "open_fiftyone"]
VIEW_VERSION = 7
"""Raise it when the fields change, so that datasets of the earlier kind are updated."""
FIRST_UPDATABLE = 5
"""Datasets of earlier versions do not say what was written into them: they are built again."""


def ensure_dataset(tables: RunTables, name: str) -> Any:
    """The dataset `name` of a run: as it is when up to date, otherwise built or updated.

    One process at a time starts the database and builds: two would meet at its port, or build over each other.

    Raises:
        EnvironmentFault: the database fails, another process keeps it too long, or the name is somebody else's.
    """
    with one_at_a_time():
        fiftyone = open_fiftyone()
        with database_faults_as_one_line():
            return _ensured(fiftyone, tables, name)


def _ensured(fiftyone: Any, tables: RunTables, name: str) -> Any:
    project = str(Path.cwd())
    origin = {
        **{"run_sha256": tables.digest, "selection_sha256": tables.selection_sha256},
        **{"project": project, "selection": str(tables.selection), "view_version": VIEW_VERSION},
    }
    present = fiftyone.load_dataset(name) if fiftyone.dataset_exists(name) else None
    if present is not None:
        _refuse_foreign(present, project)
        if all(present.info.get(key) == value for key, value in origin.items()):
            return present
    gone = sum(not Path(path).is_file() for path in set(tables.present_paths()))
    if gone:
        say(f"{gone} pictures are gone, their labels stay: run the stage that made them, or dvc pull")
    records = sample_records(tables)
    if records:
        check_format(fiftyone, records[0])
    if present is None or present.info.get("view_version", 0) < FIRST_UPDATABLE:
        return _build(fiftyone, name, records, tables, origin)
    used = declare_fields(fiftyone, present, records)
    update(fiftyone, present, records, used)
    _finish(fiftyone, present, used, tables, origin)
    return present


def _refuse_foreign(present: Any, project: str) -> None:
    """Refuse to touch a dataset that no build made, or one of another project that is still there."""
    owner = present.info.get("project")
    if "selection_sha256" in present.info and (owner == project or not Path(str(owner)).is_dir()):
        return
    raise EnvironmentFault(
        f"FiftyOne has another dataset {present.name!r}",
        got=f"that of the project in {owner}" if owner else "one that dataengine did not make",
        fix="set select.dataset in params.yaml to another name",
    )


def _build(fiftyone: Any, name: str, records: list[SampleRecord], tables: RunTables, origin: Mapping[str, Any]) -> Any:
    """Build under another name and swap, so that a killed build never stands under `name`."""
    partial = f"{name}-partial"
    if fiftyone.dataset_exists(partial):
        fiftyone.delete_dataset(partial)
    dataset = fiftyone.Dataset(partial)
    dataset.media_type = "image"
    dataset.default_skeleton = fiftyone.KeypointSkeleton(
        labels=list(COCO_KEYPOINTS), edges=[[a, b] for a, b in COCO_SKELETON]
    )
    used = declare_fields(fiftyone, dataset, records)
    insert(dataset, records)
    dataset.create_index("sha256", unique=True)
    _finish(fiftyone, dataset, used, tables, origin)
    if fiftyone.dataset_exists(name):
        _retire(fiftyone, fiftyone.load_dataset(name))
    dataset.name = name
    dataset.persistent = True
    return dataset


def _finish(fiftyone: Any, dataset: Any, used: set[str], tables: RunTables, origin: Mapping[str, Any]) -> None:
    """What stands on the dataset; the origin last, so that a build that was killed is made again."""
    dataset.reload()
    save_views(fiftyone, dataset, used, tables.differ_below)
    save_brain_runs(dataset, tables)
    dataset.info = {**dataset.info, **origin, "built_at": _last_change(dataset)}
    dataset.save()


def _retire(fiftyone: Any, dataset: Any) -> None:
    """Delete a dataset, or, where somebody worked in it after it was built, rename it and keep it."""
    if dataset.info.get("built_at") == _last_change(dataset):
        fiftyone.delete_dataset(dataset.name)
        return
    new_name = f"{dataset.name}-{_last_change(dataset)[:19].replace(':', '-')}"
    dataset.name = new_name
    dataset.persistent = True
    say(f"the previous FiftyOne dataset was edited by hand; it is kept as {new_name!r}")


def _last_change(dataset: Any) -> str:
    newest = dataset.max("last_modified_at") if len(dataset) else None
    return str(newest.isoformat()) if newest else ""
