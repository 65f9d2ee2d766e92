"""Disagreement under dropout against float64 arithmetic written out, on distributions and on networks."""

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.special import softmax
from scipy.stats import entropy

from dataengine.crops.pixels import crop_people, normalise
from dataengine.inference.under_dropout import (
    PASSES,
    RATE,
    channel_masks,
    densities,
    dropout_disagreement,
    mutual_information,
)
from dataengine.nets.checkpoint import ModelMeta, load_checkpoint, save_checkpoint

from ..helpers.drawn_people import draw_people_at


def test_mutual_information_is_that_of_the_joint_table_of_passes_and_bins() -> None:
    p = np.random.default_rng(0).dirichlet(np.ones(7), size=(5, 2, 3))  # passes, people, joints, bins
    joint = p / len(p)
    both = joint.sum(axis=0, keepdims=True) * joint.sum(axis=-1, keepdims=True)
    expected = (joint * np.log(joint / both)).sum(axis=(0, -1))
    assert mutual_information((one,) for one in p) == pytest.approx(expected, rel=1e-12)
    assert mutual_information((one, one) for one in p) == pytest.approx(2 * expected, rel=1e-12)


def test_who_always_says_the_same_has_no_doubt_and_who_never_does_has_all() -> None:
    wide = np.full((1, 1, 64), 1 / 64)
    assert mutual_information([(wide,)] * 4) == pytest.approx(0, abs=1e-12)
    assert mutual_information((row[None, None],) for row in np.eye(4)) == pytest.approx(np.log(4))


def test_heatmaps_become_probabilities_without_their_background() -> None:
    maps = np.full((1, 3, 4, 4), 0.01)
    maps[0, 0, 1, 1], maps[0, 0, 2, 2], maps[0, 1, 0, 0] = 3.0, 1.0, np.nan
    maps[0, 2] = -1.0
    (found,) = densities((maps,))
    assert found.shape == (1, 3, 16) and found.sum(axis=-1) == pytest.approx(1)
    assert found[0, 0, [5, 10]] == pytest.approx([0.75, 0.25]) and found[0, 2] == pytest.approx(1 / 16)
    axes = (np.ones((1, 1, 2)), np.ones((1, 1, 3)))
    assert densities(axes) is axes


def test_dropped_channels_are_made_up_for_by_those_that_are_kept() -> None:
    masks = channel_masks(4000)
    assert masks.shape == (PASSES, 4000, 1, 1) and masks.unique().tolist() == pytest.approx([0, 1 / (1 - RATE)])
    assert masks.mean().item() == pytest.approx(1, abs=0.01)
    assert torch.equal(masks, channel_masks(4000)) and not torch.equal(masks[0], masks[1])


@pytest.mark.parametrize("head", ["simcc", "heatmap"])
def test_a_checkpoint_is_asked_as_float64_arithmetic_says(head: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    kwargs = {"channels": [8, 8], "blocks": [1, 1]}
    meta = ModelMeta(network="residual", network_kwargs=kwargs, input_width_px=64, input_height_px=64, head=head)
    net = meta.build()
    if head == "heatmap":
        net.final_layer.weight.data.normal_()  # maps start empty
    save_checkpoint(tmp_path / "net", net, meta)
    people, images = draw_people_at(tmp_path / "pictures", 5, seed=1)
    found = dropout_disagreement(tmp_path / "net", people, images)

    net, meta = load_checkpoint(tmp_path / "net")
    crops, _ = crop_people(people, images, meta.crop)
    with torch.no_grad():
        maps = net.double().eval().features(torch.from_numpy(normalise(crops, meta.mean, meta.std)).double())
        answers = [net.read(maps * mask) for mask in channel_masks(maps.shape[1]).double()]
    expected = np.zeros(found.shape)
    for part in zip(*answers, strict=True):
        logits = np.stack([one.numpy() for one in part])
        if head == "simcc":
            p = softmax(logits, axis=-1)
        else:
            flat = logits.reshape(*logits.shape[:3], -1)
            p = np.where(flat >= 0.05 * flat.max(axis=-1, keepdims=True), np.maximum(flat, 0), 0)
        p = p / p.sum(axis=-1, keepdims=True)
        expected += entropy(p.mean(axis=0), axis=-1) - entropy(p, axis=-1).mean(axis=0)
    assert found.max() > 1e-4 and found.min() >= 0
    assert found == pytest.approx(expected, rel=1e-3, abs=1e-6)
    alone = dropout_disagreement(tmp_path / "net", people.take([3]), images)
    assert alone == pytest.approx(found[3:4], rel=1e-4, abs=1e-7), "not a matter of the batch"
