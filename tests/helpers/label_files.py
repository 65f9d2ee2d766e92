"""Label stores for tests: pictures that somebody labelled, kept as `label-import` keeps them."""

from pathlib import Path

import numpy as np

from dataengine.files import sha256_file
from dataengine.labels.label_store import Added, add_labels
from dataengine.people import Images, People

STORE = Path("data/labels")


def labelled(people: People, images: Images, store: Path = STORE, by: str = "anna") -> Added:
    """Keep `people` as labels that `by` made; `images` without people show nobody, by the same word."""
    sha256 = np.array([sha256_file(Path(path)) for path in images.path.tolist()], dtype="<U64")
    rows = images.rows_of(people.image_id)
    empty = np.setdiff1d(sha256, sha256[rows]).tolist()
    return add_labels(
        store,
        people.with_extra("sha256", sha256[rows]).with_extra("annotator", np.full(len(people), by)),
        images,
        sha256,
        nobody=dict.fromkeys(empty, by),
        origin={"file": "tool.json"},
        info={},
    )
