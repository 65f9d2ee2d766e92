"""The first step of `select`: all that it reads, checked before hours of scoring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dataengine.errors import ParamsError
from dataengine.labels.label_store import read_store
from dataengine.labels.labelling_time import measured_seconds_per_joint
from dataengine.leakage.leaks import refuse_held_out
from dataengine.mistakes.suspects import read_suspects
from dataengine.people import Images, People
from dataengine.poses.training_poses import TrainingPoses, read_training_poses
from dataengine.requests.pinned import RequestsParams, open_requests
from dataengine.requests.record import PoseRequest
from dataengine.rounds.asked import read_rounds

from ..query.reading import read_labelled, read_unlabelled, with_mistakes
from ..query.scoring import Networks
from ..query.select_params import SelectParams


@dataclass(frozen=True, kw_only=True)
class SelectFiles:
    """Where the inputs lie; see the options of the command."""

    student: Path
    candidates: Path
    labelled: Path
    val: Path
    labels: Path | None = None
    balance: Path | None = None
    held_out: Path | None = None
    mistakes: Path | None = None
    second: Path | None = None
    rounds: Path | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class SelectInputs:
    """What the inputs say."""

    networks: Networks
    people: People
    """Those in pictures that nobody has answered."""
    images: Images
    truth: People
    """Those whom people have labelled, with the column `split`."""
    truth_images: Images
    poses: TrainingPoses | None
    requests: Sequence[PoseRequest]
    """Those that are open."""
    seconds_per_joint: float
    """What a joint takes an annotator, measured where the label store shows it."""


def read_inputs(params: SelectParams, files: SelectFiles, requests: RequestsParams) -> SelectInputs:
    """Read and check everything.

    Raises:
        InputError: an input or a record in `files.rounds` is damaged, or a candidate or training picture is one that
            the file `files.held_out` names.
        ParamsError: rarity or the second network has a weight, and its folder is not given.
    """
    networks = _networks(params, files)
    if files.rounds is not None:
        read_rounds(files.rounds)
    asked = open_requests(requests)
    poses = None if files.balance is None else read_training_poses(files.balance)
    store = read_store(files.labels) if files.labels else []
    known = read_labelled({"train": files.labelled, "val": files.val}, store)
    if files.mistakes is not None:
        known = with_mistakes(known, read_suspects(files.mistakes))
    people, images = read_unlabelled(files.candidates, known.answered, params.min_gap_frames)
    refuse_held_out(files.held_out, images, files.candidates)
    is_training = known.people.extras["split"] == "train"
    training = np.unique(known.images.rows_of(known.people.image_id[is_training]))
    refuse_held_out(files.held_out, known.images.take(training), files.labelled)
    return SelectInputs(
        networks=networks,
        people=people,
        images=images,
        truth=known.people,
        truth_images=known.images,
        poses=poses,
        requests=asked,
        seconds_per_joint=measured_seconds_per_joint(store) or params.seconds_per_joint,
    )


def _networks(params: SelectParams, files: SelectFiles) -> Networks:
    """What has to be asked for the scores that weigh anything."""
    if params.weights.rarity and files.balance is None:
        fix = "give --balance, or set it to 0"
        raise ParamsError("params select.weights.rarity needs the training set's poses", fix=fix)
    if params.weights.second and files.second is None:
        raise ParamsError("params select.weights.second needs a second network", fix="give --second, or set it to 0")
    return Networks(
        student=files.student,
        second=files.second if params.weights.second else None,
        jittered=params.weights.jitter > 0,
        peaks=params.weights.peaks > 0,
        dropout=params.weights.dropout > 0,
    )
