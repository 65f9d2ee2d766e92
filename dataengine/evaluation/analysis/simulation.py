"""Simulated models on simulated test sets, to measure what intervals and policies do when the truth is known.

`simulated_pair` draws a test set and two models on it, as the matching would leave them (`drawn_people` and
`simulated_model` do it separately, for any number of models on one set); `true_ap` measures what both would have on
an infinite set. People differ in difficulty, and so do images and clusters of images, for both models
alike: this is what correlates them, and what makes images of a cluster alike. Each model also has its own luck with
every person, image and cluster, so that a difference varies with the cluster, too: by how much is
`SimulatedSet.group_correlation`, which a comparison measures on real models (`dependence.intraclass_correlation`).
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from dataengine.errors import ParamsError
from dataengine.evaluation.ap.matching import Matches, average_precision
from dataengine.evaluation.ap.protocol import COCO

# Effects are in logits of OKS. Chosen for figures as real models have them: AP about 0.56, AR 0.7, a correlation of the
# two models' OKS of about 0.7, 5 detections per image of which half are false and mostly of low score.
LEVEL = 1.6
OF_CLUSTER, OF_IMAGE, OF_PERSON = 0.6, 0.5, 0.9  # standard deviations shared by both models
OWN = 0.722  # of each model alone
OWN_SHARE_OF_IMAGE = 0.03  # of that variance, beyond the cluster's
MORE_PEOPLE = 1.2  # mean number beyond the first in an image
FALSE_PER_IMAGE, FALSE_SCORE, FALSE_SPREAD = 1.9, -1.6, 0.85
SCORE_OF_LOGIT, SCORE_NOISE = 0.8, 0.8
FOUND_LEVEL, FOUND_OF_LOGIT = 2.5, 0.7  # logit of being found at all
_SHARED = OF_CLUSTER**2 + OF_IMAGE**2 + OF_PERSON**2
CORRELATION = _SHARED / (_SHARED + OWN**2)  # 0.73
GROUP_CORRELATION = 0.03


@dataclass(frozen=True)
class SimulatedSet:
    """A test set, and how much better the first model is."""

    clusters: int
    """Independent groups of images, such as videos."""
    images_per_cluster: int = 1
    """Mean number of images in a cluster."""
    is_uneven: bool = False
    """Clusters of 1 to 2 n - 1 images, all sizes equally likely, instead of n each."""
    gain: float = 0.0
    """By how much the first model's OKS is better, in logits: 0.1 is about 2.3 AP (hundredths)."""
    correlation: float = CORRELATION
    """Correlation of the two models' logits of OKS on a person; the spread of each model stays the same."""
    group_correlation: float = GROUP_CORRELATION
    """Share of each model's own variance, and so of the variance of a difference, that a cluster's people have in
    common: the correlation of two of its people in the difference of two models' logits of OKS."""
    in_labelled_boxes: bool = False
    """Exactly one detection of everybody and no false one, as where people are shown to the model in their boxes."""

    def __post_init__(self) -> None:
        if self.clusters < 1 or self.images_per_cluster < 1:
            raise ParamsError("a simulated set is empty", expected="at least 1 cluster of at least 1 image")
        if not 0 <= self.correlation < 1:
            raise ParamsError("correlation", expected="0 or more and below 1", got=f"{self.correlation:g}")
        if not 0 <= self.group_correlation <= 1 - OWN_SHARE_OF_IMAGE:
            expected = f"between 0 and {1 - OWN_SHARE_OF_IMAGE:g}"
            raise ParamsError("group_correlation", expected=expected, got=f"{self.group_correlation:g}")


def simulated_pair(test: SimulatedSet, rng: np.random.Generator) -> tuple[Matches, Matches, NDArray[np.int64]]:
    """Two models on one drawn test set, and the cluster (m,) of each image."""
    people = drawn_people(test, rng)
    first = simulated_model(people, test.gain, rng)
    return first, simulated_model(people, 0.0, rng), people.cluster


@dataclass(frozen=True, eq=False)
class SimulatedPeople:
    """A drawn test set: n people in m images, and how easy each is for every model."""

    test: SimulatedSet
    cluster: NDArray[np.int64]  # (m,) of each image
    persons: NDArray[np.int64]  # (m,) in each image
    image: NDArray[np.int64]  # (n,) of each person
    ease: NDArray[np.float64]  # (n,) logits of OKS


def drawn_people(test: SimulatedSet, rng: np.random.Generator) -> SimulatedPeople:
    """Draw the people and images of a test set."""
    mean = test.images_per_cluster
    sizes = rng.integers(1, 2 * mean, test.clusters) if test.is_uneven else np.full(test.clusters, mean)
    cluster = np.repeat(np.arange(test.clusters), sizes)
    persons = 1 + rng.poisson(MORE_PEOPLE, len(cluster))
    ease = rng.normal(0, OF_CLUSTER, test.clusters)[cluster] + rng.normal(0, OF_IMAGE, len(cluster))
    image = np.repeat(np.arange(len(cluster)), persons)
    ease_of_person = ease[image] + rng.normal(0, OF_PERSON, len(image))
    return SimulatedPeople(test, cluster, persons, image, math.sqrt(test.correlation / CORRELATION) * ease_of_person)


def simulated_model(people: SimulatedPeople, gain: float, rng: np.random.Generator) -> Matches:
    """One model on those people: its own luck with each cluster, image and person, and `gain` logits of OKS."""
    cluster, image, shared = people.cluster, people.image, people.test.group_correlation
    of_cluster = rng.normal(0, math.sqrt(shared), people.test.clusters)
    luck = of_cluster[cluster] + rng.normal(0, math.sqrt(OWN_SHARE_OF_IMAGE), len(cluster))
    own = luck[image] + rng.normal(0, math.sqrt(1 - OWN_SHARE_OF_IMAGE - shared), len(image))
    own *= OWN * math.sqrt((1 - people.test.correlation) / (1 - CORRELATION))
    return _detected(LEVEL + gain + people.ease + own, people, rng)


def true_ap(test: SimulatedSet, seed: int, images: int = 400_000) -> tuple[float, float]:
    """AP of both models on sets of `images` together, drawn like `test`; they stand for the whole population."""
    parts = 4
    many = replace(test, clusters=max(1, images // parts // test.images_per_cluster))
    values = []
    for part in range(parts):
        first, second, _ = simulated_pair(many, np.random.default_rng([seed, part]))
        values.append((average_precision(first), average_precision(second)))
    means = np.mean(values, axis=0)
    return float(means[0]), float(means[1])


def true_gain(test: SimulatedSet, seed: int) -> float:
    """AP of the first model minus that of the second on an infinite set; 0 for models that are alike."""
    first, second = true_ap(test, seed) if test.gain else (0.0, 0.0)
    return first - second


def _detected(logit: NDArray[np.float64], people: SimulatedPeople, rng: np.random.Generator) -> Matches:
    """Detections of people (n,) whose OKS has that `logit`, and false ones."""
    image, persons = people.image, people.persons
    if people.test.in_labelled_boxes:
        found, false = np.ones(len(logit), dtype=bool), np.empty(0, dtype=np.int64)
    else:
        found = rng.uniform(size=len(logit)) < expit(FOUND_LEVEL + FOUND_OF_LOGIT * logit)
        false = np.repeat(np.arange(len(persons)), rng.poisson(FALSE_PER_IMAGE, len(persons)))
    score = np.concatenate(
        [
            SCORE_OF_LOGIT * logit[found] + rng.normal(0, SCORE_NOISE, np.count_nonzero(found)),
            rng.normal(FALSE_SCORE, FALSE_SPREAD, len(false)),
        ]
    )
    order = np.argsort(-score)
    oks = np.concatenate([expit(logit[found]), np.zeros(len(false))])[order]
    person = np.concatenate([np.flatnonzero(found), np.full(len(false), -1)])[order]
    is_true = oks >= COCO.thresholds[:, None]
    return Matches(
        thresholds=COCO.thresholds,
        recall_points=COCO.recall_points,
        image_id=np.arange(len(persons)),
        persons=persons,
        detection=order,
        detection_image=np.concatenate([image[found], false])[order],
        score=score[order],
        person=np.where(is_true, person, -1).astype(np.int32),
        is_true=is_true,
        is_false=~is_true,
    )
