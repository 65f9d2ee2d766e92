"""Where pictures lie among each other: a map for the App's panel Embeddings, and an index to sort by likeness.

A picture lies where one of its people does: of unlabelled people the one most worth labelling, as `select` counts,
of labelled ones the one on whom the student does worst. The plane is that of the two principal components of the
embeddings, so that the same embeddings give the same map. Likeness is their distance, by which `select` picks.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .documents import sample_id
from .run_tables import PictureTable, RunTables

MAP, LIKENESS = "pose_map", "pose_likeness"
"""Keys of the brain runs."""


def picture_embeddings(tables: RunTables) -> tuple[list[str], NDArray[np.float32]]:
    """sha256 of each picture (m) that has an embedding, and the embedding (m, d) of the person who stands for it."""
    if tables.embeddings is None:
        return [], np.zeros((0, 0), dtype=np.float32)
    rows: dict[str, NDArray[np.float32]] = {}
    for table, name, column, sign in (
        (tables.labelled, "labelled", "student_oks", -1),
        (tables.scored, "scored", "worth", 1),
    ):
        wanted = _column(table, column) * sign
        for key, people in zip(table.sha256, table.rows_by_picture(), strict=True):
            rows.setdefault(key, tables.embeddings[name][people[np.argmax(wanted[people])]])
    keys = sorted(rows)
    return keys, np.stack([rows[key] for key in keys]) if keys else np.zeros((0, 0), dtype=np.float32)


def plane(embeddings: NDArray[np.float32]) -> NDArray[np.float64]:
    """The first two principal components (m, 2) of embeddings (m, d)."""
    from sklearn.decomposition import PCA

    spread = PCA(n_components=min(2, *embeddings.shape), svd_solver="full").fit_transform(embeddings.astype(np.float64))
    return np.pad(spread, ((0, 0), (0, 2 - spread.shape[1]))).round(4)


def save_brain_runs(dataset: Any, tables: RunTables) -> None:
    """Make `MAP` and `LIKENESS`, unless the dataset has those of the same embeddings; without any, drop them."""
    keys, embeddings = picture_embeddings(tables)
    digest = hashlib.sha256(("".join(keys)).encode() + embeddings.tobytes()).hexdigest()[:12] if keys else ""
    runs = set(dataset.list_brain_runs()) & {MAP, LIKENESS}
    if runs == {MAP, LIKENESS} and dataset.info.get("map_digest") == digest:
        return
    for key in sorted(runs):
        dataset.delete_brain_run(key)
    if len(keys) > 2:  # fewer have no plane
        import fiftyone.brain as brain

        ids = [str(sample_id(key)) for key in keys]
        points = dict(zip(ids, plane(embeddings), strict=True))
        brain.compute_visualization(dataset, points=points, brain_key=MAP, progress=False)
        # given when the run is made, embeddings would have to be there for every picture
        index = brain.compute_similarity(
            dataset, embeddings=False, brain_key=LIKENESS, backend="sklearn", metric="euclidean"
        )
        index.add_to_index(embeddings, ids)
        index.save()
    dataset.info["map_digest"] = digest
    dataset.save()


def _column(table: PictureTable, name: str) -> NDArray[np.float64]:
    values = table.people.extras.get(name)
    return np.zeros(len(table.people)) if values is None else values.astype(np.float64)
