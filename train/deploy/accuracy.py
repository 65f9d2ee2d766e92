"""What an exported file costs and loses: AP, PCK, distance to PyTorch's joints, latency."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.crops.pixels import normalise, people_by_picture
from dataengine.evaluation.analysis.bootstrap import paired_intervals
from dataengine.evaluation.analysis.calibration import reliability
from dataengine.evaluation.analysis.image_clusters import crossed, units_of
from dataengine.evaluation.analysis.interval import Interval
from dataengine.evaluation.ap.matching import Matches, paired
from dataengine.evaluation.ap.oks import person_oks
from dataengine.evaluation.ap.protocol import COCO, OksProtocol
from dataengine.evaluation.figures import figures_of
from dataengine.inference.held_crops import HeldCrops
from dataengine.inference.in_graph import PictureGraph
from dataengine.inference.running.predict import Prediction, Runner
from dataengine.inference.running.prediction import joined
from dataengine.keypoints import COCO_KEYPOINTS, UNLABELLED
from dataengine.nets.checkpoint import ModelMeta
from dataengine.people import Images, People
from dataengine.pictures.reading.decoding import read_picture

TURNS = 4
RESAMPLES, LEVEL = 2000, 0.95
BLOCK_FRAMES = 10  # of a film that are resampled together


@dataclass(frozen=True, eq=False)
class Ruler:
    """Labelled people for measuring every file of a model; their crops are cut only once if memory allows."""

    meta: ModelMeta
    people: People
    images: Images
    crops: HeldCrops
    protocol: OksProtocol = COCO

    @classmethod
    def of(cls, meta: ModelMeta, people: People, images: Images, protocol: OksProtocol = COCO) -> "Ruler":
        """Cut the crops of `people`, who are scored by `protocol`."""
        return cls(meta, people, images, HeldCrops.of(people, images, meta.crop), protocol)

    def predict(self, runner: Runner | PictureGraph, description: str) -> Prediction:
        """The prediction of `runner` for everyone."""
        if isinstance(runner, PictureGraph):
            pictures = people_by_picture(self.images.rows_of(self.people.image_id))
            paths, boxes = self.images.path, self.people.bbox_xywh_px
            parts = [runner.predict(read_picture(str(paths[row])), boxes[persons]) for row, persons in pictures]
            return joined(parts, np.concatenate([persons for _, persons in pictures]))
        return self.crops.predict(runner, self.meta, description=description)

    def figures(self, prediction: Prediction) -> dict[str, float]:
        """AP, PCK and the calibration error of the scores against OKS; people are found in their labelled boxes."""
        found = prediction.as_people(self.people)
        figures = figures_of(self.people, self.images, found, self.protocol)
        labelled = (self.people.visibility > UNLABELLED).any(axis=1)
        oks = person_oks(self.people, prediction.keypoints_px, self.protocol)
        ece = reliability(found.score[labelled], oks[labelled]).ece
        return {"AP": figures.ap, "AP50": figures.ap50, "PCK@0.2": figures.pck_02, "ECE": ece}

    def gain(self, prediction: Prediction, reference: Prediction) -> Interval:
        """AP of `prediction` over that of `reference` with its interval, the same pictures resampled for both.

        Blocks of frames of a film are resampled whole; the bounds of a single block are infinite.
        """
        one, other = (self._matches(each) for each in (prediction, reference))
        clusters, rng = film_clusters(one, self.images), np.random.default_rng(0)
        return paired_intervals(one, other, clusters, resamples=RESAMPLES, level=LEVEL, rng=rng).difference

    def _matches(self, prediction: Prediction) -> Matches:
        return paired(self.people, self.images, prediction.as_people(self.people), self.protocol).match()

    def inputs(self, count: int) -> NDArray[np.float32]:
        """The first `count` crops (count, 3, H, W), repeated if there are fewer."""
        rows = np.arange(count) % len(self.people)
        return normalise(self.crops.take(rows), self.meta.mean, self.meta.std)


def film_clusters(matches: Matches, images: Images) -> NDArray[np.int64]:
    """Clusters (w, m) of m pictures: blocks of `BLOCK_FRAMES` frames; a picture of no film by itself."""
    shown = images.take(images.rows_of(matches.image_id))
    return crossed(units_of(shown, "time", BLOCK_FRAMES))


def distance_px(one: Prediction, other: Prediction) -> dict[str, Any]:
    """How far apart two predictions of the same people put the joints that count, image px; and at which joint most."""
    counted = np.flatnonzero(one.person_score.counted)
    apart = one.keypoints_px[:, counted].astype(np.float64) - other.keypoints_px[:, counted]
    distance = np.linalg.norm(apart, axis=2)
    joint = int(distance.mean(axis=0).argmax())
    return {
        "mean": float(distance.mean()),
        "p99": float(np.quantile(distance, 0.99)),
        "max": float(distance.max()),
        "worst_joint": COCO_KEYPOINTS[counted[joint]],
        "worst_joint_mean": float(distance[:, joint].mean()),
    }


def latencies_ms(runners: Mapping[str, Runner], inputs: NDArray[np.float32], runs: int) -> dict[str, dict[str, Any]]:
    """Time of each runner for `inputs` as one batch, per crop: median and best of at least `runs`.

    They take turns, so that a busy moment of the machine does not hit one alone. Each turn begins with a call that is
    not counted, by the end of which the previous runner's threads are idle.
    """
    seconds: dict[str, list[float]] = {name: [] for name in runners}
    turns = min(TURNS, runs)
    for _ in range(turns):
        for name, runner in runners.items():
            runner(inputs)
            for _ in range(-(-runs // turns)):
                start = time.perf_counter()
                runner(inputs)
                seconds[name].append(time.perf_counter() - start)
    per_crop = {name: np.array(taken) * 1000 / len(inputs) for name, taken in seconds.items()}
    return {
        name: {"batch": len(inputs), "median": float(np.median(ms)), "best": float(ms.min())}
        for name, ms in per_crop.items()
    }
