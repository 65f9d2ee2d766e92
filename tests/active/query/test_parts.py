"""A pass in parts gives the bits of one pass over all people, though pictures are shared and boxes drawn at random."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import torch

from dataengine.active.query.parts import look_on
from dataengine.active.query.scoring import JITTERS, Networks, look
from dataengine.active.query.uncertainty import Seen
from dataengine.inference.running.predict import BATCH, Prediction
from dataengine.nets.checkpoint import ModelMeta, save_checkpoint

from ...helpers.drawn_people import draw_people_at


def networks(folder: Path) -> Networks:
    """Two networks with random weights."""
    for seed, name in enumerate(("student", "second")):
        torch.manual_seed(seed)
        meta = ModelMeta("residual", {"channels": [16, 32], "blocks": [1, 1]}, input_width_px=32, input_height_px=32)
        save_checkpoint(folder / name, meta.build(), meta)
    return Networks(student=folder / "student", second=folder / "second", jittered=True, peaks=True)


def test_parts_in_other_processes_give_the_same_bits(tmp_path: Path) -> None:
    people, images = draw_people_at(tmp_path / "images", 40, seed=3)
    rng = np.random.default_rng(0)
    people = people.take(rng.permutation(np.repeat(np.arange(len(people)), 4)))  # several to a picture, out of order
    asked = networks(tmp_path)
    whole = look(asked, people, images)
    parted = look_on(None, asked, people, images, part=BATCH, workers=2)
    assert len(people) > 2 * BATCH and len(whole.jittered) == JITTERS
    assert arrays(whole).keys() == arrays(parted).keys()
    for name, values in arrays(whole).items():
        assert values.tobytes() == arrays(parted)[name].tobytes(), name


def arrays(seen: Seen) -> dict[str, np.ndarray]:
    """All arrays of an answer, by name."""
    views = {"plain": seen.plain, "mirrored": seen.mirrored, "second": seen.second}
    views |= {f"off {number}": view for number, view in enumerate(seen.jittered)}
    found = {
        f"{name} {each.name}": getattr(view, each.name) for name, view in views.items() for each in fields(Prediction)
    }
    kept = {name: value for name, value in found.items() if isinstance(value, np.ndarray)}
    assert seen.peaks is not None
    return {**kept, "features": seen.features, "peaks": seen.peaks}
