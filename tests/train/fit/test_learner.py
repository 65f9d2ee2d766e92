"""The plain step: that it could be recorded, whatever it is made of; and that it takes crops as they are."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from dataengine.crops.pixels import normalise
from dataengine.crops.training.loader import Batch
from dataengine.evaluation.ap.oks_formula import joint_similarities
from dataengine.keypoints import COCO_SIGMAS
from dataengine.nets.checkpoint import save_checkpoint
from dataengine.train.fit.distill import Distillation
from dataengine.train.fit.learner import Learner
from dataengine.train.fit.params import DistillParams, FitParams
from dataengine.train.fit.start import first_network, model_meta
from dataengine.train.fit.steps.batch import Inputs, ready
from dataengine.train.fit.steps.ranks import Ranks
from dataengine.train.losses.position import oks_loss

from ...helpers.fitting_project import TINY, one_torch_thread
from .host_traffic import HostTraffic
from .test_step import make_batch

CPU, AREA = torch.device("cpu"), np.full(64, 400.0)
HEATMAP: dict[str, Any] = {"head": "heatmap", "network_kwargs": {"channels": [8, 16], "blocks": [1, 1]}}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """For all tests here."""
    with one_torch_thread():
        yield


def raw_batch(size: int) -> tuple[Batch, Batch]:
    """The same samples, with uint8 and with normalised images."""
    crops = np.random.default_rng(3).integers(0, 256, (size, 32, 32, 3), dtype=np.uint8)
    batch = make_batch(size)
    return replace(batch, images=crops.transpose(0, 3, 1, 2)), replace(batch, images=normalise(crops[..., ::-1]))


def make_learner(params: FitParams, precision: str = "fp32", teacher: DistillParams | None = None) -> Learner:
    meta = model_meta(params)
    net, average = first_network(params, meta), first_network(params, meta)
    distillation = Distillation(teacher, net, meta, seed=1, label_sigma_px=2.0) if teacher else None
    return Learner(params, net, Ranks(), distillation, average, precision=precision)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize(
    ("changes", "taught"),
    [
        ({}, False),
        ({"accumulate": 3, "layer_decay": 0.7, "channels_last": False}, False),
        ({"losses": {"simcc_kl": 1.0, "oks": 1.0, "smooth_l1": 0.1, "wing": 0.1}}, False),
        ({**HEATMAP, "losses": {"heatmap_mse": 1.0, "oks": 1.0, "smooth_l1": 0.1, "wing": 0.1}}, False),
        ({}, True),
        (HEATMAP | {"losses": {"heatmap_mse": 1.0}}, True),
        ({"network": "hrnet-w18", "network_kwargs": {}}, False),
    ],
)
def test_a_step_reads_nothing_on_the_host(
    changes: dict[str, Any], taught: bool, precision: str, tmp_path: Path
) -> None:
    params: FitParams = replace(TINY, **changes)
    if taught:
        save_checkpoint(tmp_path, first_network(params, model_meta(params)), model_meta(params))
    distill = DistillParams(str(tmp_path), feature_weight=1.0) if taught else None
    learner = make_learner(params, precision, distill)
    inputs = ready(raw_batch(6)[0], AREA, CPU).inputs
    learner.set_rates(1e-3, 0.9)
    learner.learn(inputs)  # makes the optimizer's moments and cached constants, as the warm-up does
    with HostTraffic() as traffic:
        learner.learn(inputs)
    assert traffic.faults == []


@pytest.mark.parametrize(
    ("step", "fault"),
    [
        (lambda x: x * x.sum().item(), "_local_scalar_dense"),
        (lambda x: x[x > 0], "index"),
        (lambda x: x + torch.from_numpy(np.ones(3)), "lift_fresh"),
        (lambda x: x + torch.from_dlpack(np.ones(3)), "add of the host's data"),
        (lambda x: x + torch.tensor(1.0), "lift_fresh"),
        (lambda x: x + x.new_tensor([1.0]), "lift_fresh"),
        (lambda x: x.nonzero(), "nonzero"),
    ],
)
def test_what_a_graph_forbids_is_found(step: Callable[[torch.Tensor], torch.Tensor], fault: str) -> None:
    given = torch.randn(3)
    with HostTraffic() as traffic:
        step(given)
    assert traffic.faults[0] == fault
    with HostTraffic() as traffic:
        (given * 2 + torch.arange(3, dtype=given.dtype)).softmax(0)
    assert traffic.faults == []


@pytest.mark.parametrize("channels_last", [True, False])
def test_crops_as_they_are_teach_what_normalised_ones_teach(channels_last: bool) -> None:
    params, found = replace(TINY, channels_last=channels_last), []
    for batch in raw_batch(8):
        learner = make_learner(params)
        learner.set_rates(1e-3, 0.9)
        inputs = ready(batch, AREA, CPU).inputs
        layout = torch.channels_last if channels_last else torch.contiguous_format
        assert learner.network_input(inputs.images).is_contiguous(memory_format=layout)
        found.append([learner.learn(inputs)[0].item() for _ in range(3)])
    np.testing.assert_allclose(found[0], found[1], rtol=1e-4)


@pytest.mark.parametrize("zoom", [0.7, 1.0, 1.4])
def test_the_oks_loss_is_that_of_the_image_whatever_the_augmentation(zoom: float) -> None:
    """An error of some image pixels costs the same in a crop that enlarges it."""
    rng = np.random.default_rng(0)
    label_px, off_px = rng.uniform(5, 25, (2, 17, 2)), rng.normal(size=(2, 17, 2))
    area_px2 = np.array([300.0, 900.0])
    batch = replace(
        make_batch(2),
        keypoints_px=(zoom * label_px).astype(np.float32),
        joint_weight=np.ones((2, 17), np.float32),
        crop_scale=np.full(2, zoom),
    )
    target = ready(batch, area_px2, CPU).inputs.target
    places = target.keypoints_px + torch.from_numpy((zoom * off_px).astype(np.float32))
    similarity = joint_similarities(label_px + off_px, label_px, area_px2)
    loss = oks_loss(places, target.keypoints_px, target.joint_weight, target.area_px2, torch.from_numpy(COCO_SIGMAS))
    assert loss.item() == pytest.approx(1 - similarity.mean(), rel=1e-4)


def test_inputs_are_cut_copied_and_compared() -> None:
    batch = make_batch(6)
    inputs = ready(batch, np.arange(64.0), CPU).inputs
    part = inputs.part(2, 5)
    assert len(part) == 3
    np.testing.assert_array_equal(
        part.target.area_px2.numpy(), (np.array([2, 3, 4]) * batch.crop_scale[2:5] ** 2).astype(np.float32)
    )
    np.testing.assert_array_equal(part.images.numpy(), batch.images[2:5])
    other = Inputs(*(torch.zeros_like(tensor) for tensor in inputs.tensors))
    assert other.fits(inputs) and not other.fits(part)
    other.take(inputs)
    assert all(torch.equal(a, b) for a, b in zip(other.tensors, inputs.tensors, strict=True))
