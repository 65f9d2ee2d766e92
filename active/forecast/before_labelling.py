"""The line that stands before a round of labelling: what it takes, and what it is likely to buy."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dataengine.keypoints import UNLABELLED
from dataengine.labels.label_store import read_store
from dataengine.labels.labelling_time import measured_seconds_per_joint
from dataengine.params import load_key, load_section, load_values
from dataengine.registry.records import Registry, RegistryParams
from dataengine.registry.registry_file import read_registry

from ..curation.curate_params import CurateParams
from ..manifest.files import Selection
from ..query.select_params import SelectParams
from .learning_curve import LEAST_POINTS, LEVEL, forecast_ap
from .past_rounds import PastRounds, past_rounds


def forecast_line(selection: Selection, params: Path, labels: Path | None = None, root: Path = Path()) -> str:
    """What the picks of `selection` will buy, by the rounds in the registry that `params` names.

    Minutes go by the times in the label store, else by select.seconds_per_joint.

    Args:
        selection: what `select` chose.
        params: the project's params.yaml.
        labels: the label store; None for curate.labels of the params.
        root: the project's folder, which paths in the params are relative to.

    Raises:
        DataEngineError: the registry, the store or the params are damaged.
    """
    labels = labels or root / load_section(params, "curate", CurateParams).labels
    picked = np.isin(selection.scored.extras["sha256"], list(selection.picks))
    joints = int((selection.scored.visibility[picked] > UNLABELLED).sum())
    seconds = measured_seconds_per_joint(read_store(labels)) or _stated_seconds(params)
    registry = root / load_section(params, "registry", RegistryParams).file
    rounds = past_rounds(read_registry(registry) if registry.is_file() else Registry())
    return line(rounds, len(selection.picks), joints * seconds / 60)


def _stated_seconds(params: Path) -> float:
    if "seconds_per_joint" in load_values(params, "select"):
        return load_key(params, "select", "seconds_per_joint", float)
    return SelectParams.seconds_per_joint


def line(rounds: PastRounds, images: int, minutes: float) -> str:
    """The forecast in words; why there is none, where there are too few rounds.

    >>> line(PastRounds((200, 400, 800), (0.30, 0.34, 0.37)), 12, 29.6)
    '30 more minutes (about 12 images): AP 0.370 to 0.370 (80%: 0.355 to 0.383), by the 3 rounds of the registry'
    """
    work = f"{minutes:.0f} more minutes (about {images} images)"
    numbers = len(set(rounds.labels))
    if numbers < LEAST_POINTS or not images:
        needed = f"a forecast takes {LEAST_POINTS} rounds of different numbers of labels on one test set"
        return f"{work}: nobody can say yet what they buy; {needed}, and the registry has {numbers}"
    now = rounds.ap[-1]
    after = forecast_ap(rounds.labels, rounds.ap, images)
    interval = f"{LEVEL:.0%}: {after.low:.3f} to {after.high:.3f}"
    return f"{work}: AP {now:.3f} to {after.ap:.3f} ({interval}), by the {len(rounds.ap)} rounds of the registry"
