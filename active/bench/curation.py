"""How many samples a minute a FiftyOne dataset is built with, and how fast it is updated, on the real database.

The run is made up: 5,000 pictures of three people each, labelled, answered by student and champion, with every figure.
Pictures are named, not there: FiftyOne does not read them. The peer is FiftyOne's own way, `add_samples`, given the
same samples ready made.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import numpy as np

from dataengine.bench.record import Figure, Missing
from dataengine.errors import EnvironmentFault
from dataengine.evaluation.ap.protocol import COCO
from dataengine.people import Images, People

from ..curation.champion import ChampionAnswers
from ..curation.database import open_fiftyone
from ..curation.fiftyone_view import ensure_dataset
from ..curation.people_figures import with_champion, with_student_oks
from ..curation.run_tables import PictureTable, RunTables

PICTURES, PEOPLE = 5_000, 3
PEER_SHARE = 10
"""The peer gets one sample in this many, since it takes long."""


def run(pictures: int = PICTURES) -> Iterator[Figure | Missing]:
    """``fiftyone.samples_per_min`` and ``fiftyone.update_samples_per_min``."""
    try:
        fiftyone = open_fiftyone()
    except EnvironmentFault as fault:
        yield Missing("fiftyone.samples_per_min", str(fault))
        return
    name = f"dataengine-bench-{uuid4().hex[:8]}"
    try:
        started = time.perf_counter()
        dataset = ensure_dataset(made_up(pictures, seed=0), name)
        built = time.perf_counter() - started
        samples = [sample.copy() for sample in dataset[: max(1, pictures // PEER_SHARE)]]
        started = time.perf_counter()
        other = fiftyone.Dataset()
        other.add_samples(samples, dynamic=True, progress=False)
        peer = time.perf_counter() - started
        other.delete()
        yield Figure("fiftyone.samples_per_min", 60 * pictures / built, "samples/min", 60 * len(samples) / peer)
        started = time.perf_counter()
        ensure_dataset(made_up(pictures, seed=1), name)
        seconds = time.perf_counter() - started
        yield Figure("fiftyone.update_samples_per_min", 60 * pictures / seconds, "samples/min")
    finally:
        if fiftyone.dataset_exists(name):
            fiftyone.delete_dataset(name)


def made_up(pictures: int, seed: int) -> RunTables:
    """A run of labelled pictures; the models' answers, and with them most figures, depend on the seed."""
    n = pictures * PEOPLE
    rng, moved = np.random.default_rng(0), np.random.default_rng([1, seed])
    joints = rng.uniform(20, 400, (n, 17, 2))
    images = Images.build(
        id=np.arange(pictures), path=[f"made_up/{i}.png" for i in range(pictures)], width=640, height=480
    )
    confidence = rng.random((n, 17))
    people = People.build(
        image_id=np.repeat(np.arange(pictures), PEOPLE),
        bbox_xywh_px=np.tile([10.0, 10.0, 420.0, 420.0], (n, 1)),
        keypoints_px=joints,
        visibility=rng.integers(0, 3, (n, 17)),
        extras={
            "split": np.full(n, "train"),
            "student_px": (joints + moved.normal(0, 6, joints.shape)).tolist(),
            "student_confidence": confidence.tolist(),
            "error": np.full(n, "jitter"),
            "cluster": rng.integers(0, 12, n),
            "rarity": rng.random(n),
            "rare": rng.random(n) > 0.9,
            "novel": rng.random(n) > 0.99,
        },
    )
    student = np.array(people.extras["student_px"].tolist())
    answers = ChampionAnswers(joints + moved.normal(0, 9, joints.shape), confidence, np.ones(17, dtype=bool))
    people = with_champion(with_student_oks(people, COCO), student, answers, COCO, labelled=True)
    hashes = tuple(f"{i:064x}"[::-1] for i in range(pictures))
    embeddings = {"labelled": rng.normal(size=(n, 64)).astype(np.float32), "scored": np.zeros((0, 64), np.float32)}
    empty = PictureTable(People.empty(), images.take([]), ())
    return RunTables(
        digest=str(seed),
        selection=Path("data/select"),
        selection_sha256=str(seed),
        picks={},
        labelled=PictureTable(people, images, hashes),
        scored=empty,
        embeddings=embeddings,
        round=1,
    )
