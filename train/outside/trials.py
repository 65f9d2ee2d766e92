"""Trials of a network on labelled people: it is shown them by one feed, and its answers are read in several ways."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.adopted.contract import AnswerForm, Feed
from dataengine.adopted.in_boxes import FoundJoints, ShownInput, joints_of, look
from dataengine.adopted.opening import OpenNetwork, Tensors
from dataengine.errors import InputError
from dataengine.people import Images, People
from dataengine.pictures.reading.decoding import read_picture

from .evidence import OksTable, measure, pieces_of
from .forms import structures, with_scores_seen

HELD_BYTES = 512 << 20  # of decoded pictures


@dataclass(frozen=True, eq=False)
class Trial:
    """One way to feed and read the network, and what the people say of it."""

    feed: Feed
    answers: AnswerForm
    measured: OksTable


class Prober:
    """A network and the labelled people it is tried on."""

    def __init__(self, network: OpenNetwork, people: People, images: Images) -> None:
        self.network, self.people = network, people
        self.pieces = pieces_of(people, images)
        self._images = images
        self._held: dict[str, NDArray[np.uint8]] = {}
        self._held_bytes = 0

    def everybody(self) -> NDArray[np.int64]:
        """Rows of all people."""
        return np.arange(len(self.people))

    def tried(self, feed: Feed, readings: Iterable[AnswerForm], rows: NDArray[np.int64]) -> list[Trial]:
        """The people of `rows` shown by one feed, and the answers by each reading that fits them.

        Raises:
            InputError: a picture cannot be read, or the network does not run.
        """
        readings = list(readings)
        if not readings:
            return []
        people = self.people.take(rows)
        seen = list(look(self.network, feed, people, self._images, self._picture))
        found = []
        for plain in readings:
            answers = with_scores_seen(plain, _score_values(seen, plain))
            joints = _joints_of_all(seen, answers, feed, people)
            if joints is not None:
                found.append(Trial(feed, answers, measure(people, joints.keypoints_px)))
        return found

    def first_answer(self, feed: Feed) -> Tensors | None:
        """What the network says of the first person; None at a size that it does not take, where that was a guess.

        Raises:
            InputError: it does not run at the only size that it allows, or the picture cannot be read.
        """
        person = self.people.take([0])
        try:
            return next(look(self.network, feed, person, self._images, self._picture)).tensors
        except InputError:
            if None in (self.network.image.width_px, self.network.image.height_px):
                return None
            raise

    def structures(self, feed: Feed) -> list[AnswerForm]:
        """How the network's answer to such a feed may be built."""
        tensors = self.first_answer(feed)
        found = [] if tensors is None else structures(tensors, feed)
        return [answers for answers in found if (answers.kind == "detections") == feed.sees_picture]

    def _picture(self, path: str) -> NDArray[np.uint8]:
        """The picture; decoded once, while all of them fit into memory."""
        if path in self._held:
            return self._held[path]
        picture = read_picture(path)
        if self._held_bytes + picture.nbytes <= HELD_BYTES:
            self._held[path] = picture
            self._held_bytes += picture.nbytes
        return picture


def _joints_of_all(seen: Sequence[ShownInput], answers: AnswerForm, feed: Feed, people: People) -> FoundJoints | None:
    """The joints of everybody; None where the tensors do not fit, as those of a table that has no rows."""
    n, k = len(people), answers.joints
    joints = FoundJoints(np.zeros((n, k, 2)), np.zeros((n, k)), np.zeros(n))
    for one in seen:
        try:
            found = joints_of(one, answers, feed, people.bbox_xywh_px[one.persons])
        except (KeyError, ValueError, IndexError):
            return None
        joints.keypoints_px[one.persons] = found.keypoints_px
        joints.confidence[one.persons], joints.score[one.persons] = found.confidence, found.score
    return joints


def _score_values(seen: Sequence[ShownInput], answers: AnswerForm) -> NDArray[Any]:
    """The numbers that would be read as scores, before they are cut to 0..1; none of maps, whose peaks are heights."""
    if answers.kind in ("heatmap", "simcc"):
        return np.empty(0)
    tables = [np.asarray(one.tensors[answers.other or answers.places], dtype=np.float64)[0] for one in seen]
    if answers.other:
        column = slice(None) if answers.kind == "points" or answers.score < 0 else answers.score
        return np.concatenate([table.reshape(len(table), -1)[:, column].ravel() for table in tables])
    if answers.kind == "points":
        return np.concatenate([table.reshape(answers.joints, -1)[:, 2:3].ravel() for table in tables])
    rows = [table.T if answers.layout == "channels first" else table for table in tables]
    return np.concatenate([table[:, answers.score] for table in rows])
