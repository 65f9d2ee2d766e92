"""Trust in single joints: from a column of `People` through files, pseudo-labels, replay and loader to every loss."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from dataengine.coco_json import read_people, write_people
from dataengine.columns import object_column
from dataengine.crops.spec import CropSpec
from dataengine.crops.training.augment import NO_AUGMENTATION, swap_sides
from dataengine.crops.training.loader import epoch_batches
from dataengine.crops.training.samples import CropSamples
from dataengine.errors import InputError
from dataengine.keypoints import COCO_SIGMAS
from dataengine.labels.joint_weights import joint_weights, training_weights, with_joint_weights
from dataengine.people import People
from dataengine.train.fit.learnt_from.reading import read_training_set
from dataengine.train.fit.learnt_from.replay import ReplayParams
from dataengine.train.losses.distribution import heatmap_loss, simcc_loss
from dataengine.train.losses.position import oks_loss, smooth_l1_loss, wing_loss

from ..helpers.drawn_people import draw_people_at
from ..helpers.fitting_project import write_project

SPEC = CropSpec(32, 32, 1.25)
RAMP = np.linspace(0.1, 0.9, 17).round(4)


def test_the_column_survives_a_file_and_people_without_it_count_fully(tmp_path: Path) -> None:
    people, images = draw_people_at(tmp_path / "images", 4, seed=1)
    trusted = with_joint_weights(people.take([0, 1]), np.stack([RAMP, RAMP[::-1]]))
    write_people(tmp_path / "people.json", People.concat([trusted, people.take([2, 3])]), images)
    back, _ = read_people(tmp_path / "people.json")
    assert joint_weights(back) == pytest.approx(np.stack([RAMP, RAMP[::-1], np.ones(17), np.ones(17)]))
    half = back.replace(weight=np.array([1, 0.5, 0.5, 0], dtype=np.float32))
    assert training_weights(half)[1] == pytest.approx(RAMP[::-1] / 2)
    assert training_weights(half)[2:].tolist() == [[0.5] * 17, [0.0] * 17]


@pytest.mark.parametrize(
    "value", [[1.0] * 16, [-0.1] * 17, [float("nan")] * 17, ["much"] * 17, 0.5, {"nose": 1}, [[1.0]] * 5], ids=str
)
def test_a_malformed_column_is_an_input_error(tmp_path: Path, value: object) -> None:
    people, _ = draw_people_at(tmp_path / "images", 2, seed=1)
    with pytest.raises(InputError, match=r"joint_weight is malformed.*17 finite numbers of 0 or more"):
        joint_weights(people.with_extra("joint_weight", object_column([None, value])))


def test_mix_pseudo_labels_and_replay_bring_it_to_the_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the student's fit hand-labelled people count fully, pseudo-labelled ones joint by joint."""
    monkeypatch.chdir(tmp_path)
    write_project()
    people, images = draw_people_at(Path("pseudo_images"), 3, seed=5)
    weights = np.stack([RAMP, RAMP[::-1], np.roll(RAMP, 3)])
    pseudo = with_joint_weights(people, weights).replace(source=np.full(3, "pseudo", dtype="<U9"))
    write_people(Path("pseudo.json"), pseudo, images)
    training = read_training_set(Path("mix"), Path("pseudo.json"), 0.5, ReplayParams(mix="mix", share=0.2))
    assert training_weights(training.people) == pytest.approx(
        np.concatenate([np.ones((8, 17)), weights, np.ones((8, 17))])
    )
    samples = CropSamples(training.people, training.images, SPEC, NO_AUGMENTATION)
    (batch,) = epoch_batches(samples, np.array([9, 0, 8]), 3, seed=0, epoch=0)
    counted = batch.visibility > 0
    assert batch.joint_weight == pytest.approx(np.stack([RAMP[::-1], np.ones(17), RAMP]) * counted)
    mirrored = CropSamples(training.people, training.images, SPEC, replace(NO_AUGMENTATION, flip_share=1.0)).sample(
        8, (1,)
    )
    assert mirrored.joint_weight == pytest.approx(swap_sides(RAMP[:, None])[:, 0] * (mirrored.visibility > 0))


def test_every_loss_weighs_each_joint_and_averages_nothing() -> None:
    """The gradient of a joint is its weight times the one at weight 1: no joint takes another's trust."""
    torch.manual_seed(0)
    label, area = torch.rand(2, 17, 2) * 24 + 4, torch.full((2,), 600.0)
    weight = torch.tensor(np.stack([RAMP, RAMP[::-1]]).copy(), dtype=torch.float32)
    losses = {
        "simcc": lambda x, w: simcc_loss(x[:, :, :64], x[:, :, 64:], label, w, split=2, sigma_px=2.0),
        "heatmap": lambda x, w: heatmap_loss(x.reshape(2, 17, 8, 16), label, w, cell_px=(2.0, 4.0), sigma_px=4.0),
        "oks": lambda x, w: oks_loss(x[..., :2] + label, label, w, area, torch.from_numpy(COCO_SIGMAS)),
        "smooth_l1": lambda x, w: smooth_l1_loss(x[..., :2] + label, label, w),
        "wing": lambda x, w: wing_loss(x[..., :2] + label, label, w),
    }
    for name, loss in losses.items():
        answer = torch.randn(2, 17, 128, requires_grad=True)
        full, weighed = (torch.autograd.grad(loss(answer, w), answer)[0] for w in (torch.ones(2, 17), weight))
        assert full.abs().sum(dim=-1).min() > 0, name
        torch.testing.assert_close(weighed, full * weight[..., None], msg=name)
