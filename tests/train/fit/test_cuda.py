"""Fits on a GPU: the recorded step learns what the called one learns, waits for nothing, and stops where it must."""

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from dataengine.errors import InputError
from dataengine.nets.checkpoint import load_checkpoint
from dataengine.train.fit.start import first_network, model_meta
from dataengine.train.fit.step import Stepper
from dataengine.train.fit.steps.graph import WARM_UP_STEPS
from dataengine.train.fit.steps.guard import STEPS_BEHIND
from dataengine.train.fit.steps.ranks import Ranks

from ...helpers.fitting_project import MOVED, TINY, curve, fit_here, write_project
from .test_learner import raw_batch
from .test_resume import Stop, stop_after
from .test_step import learn, weights

pytestmark = pytest.mark.gpu
ON_GPU = replace(TINY, device="cuda", learning_rate=1e-3)


@pytest.fixture(autouse=True)
def gpu() -> Iterator[torch.device]:
    """Skips where there is none; leaves PyTorch's switches as they were."""
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device that PyTorch sees")
    before = torch.backends.cudnn.benchmark
    yield torch.device("cuda")
    torch.backends.cudnn.benchmark = before
    torch.cuda.set_sync_debug_mode("default")


def make_stepper(device: torch.device, precision: str = "fp32", accumulate: int = 1) -> Stepper:
    params = replace(ON_GPU, accumulate=accumulate)
    net = first_network(params, model_meta(params)).to(device, memory_format=torch.channels_last)
    average = first_network(params, model_meta(params)).to(device, memory_format=torch.channels_last)
    return Stepper(params, net, np.full(64, 400.0), str, Ranks(), None, average, precision=precision)


@pytest.mark.parametrize("accumulate", [1, 2])
@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_replaying_learns_what_calling_learns(precision: str, accumulate: int, gpu: torch.device) -> None:
    recorded, called = (make_stepper(gpu, precision, accumulate) for _ in range(2))
    called.recorded = None
    for number in range(WARM_UP_STEPS + 6):
        rate = 1e-3 / (1 + number)  # what the graph reads has to follow
        losses = [learn(stepper, raw_batch(8)[0], rate) for stepper in (recorded, called)]
        assert losses[0] == pytest.approx(losses[1], rel=1e-3 if precision == "fp32" else 0.03)
    assert recorded.recorded is not None and recorded.recorded._replay is not None
    assert recorded.mean_loss() == pytest.approx(called.mean_loss(), rel=0.03)
    if precision == "fp32":
        torch.testing.assert_close(weights(recorded.learner.net), weights(called.learner.net), rtol=1e-2, atol=1e-3)


def test_no_step_waits_for_the_device(gpu: torch.device) -> None:
    stepper, batch = make_stepper(gpu), raw_batch(8)[0]
    for _ in range(WARM_UP_STEPS + 1):
        learn(stepper, batch, 1e-3)
    ready = [stepper.ready(batch) for _ in range(3)]
    assert all(tensor.is_pinned() for tensor in ready[0].inputs.tensors)
    torch.cuda.set_sync_debug_mode("error")
    for one in ready:
        stepper.step(one, 1e-3, "")
    torch.cuda.set_sync_debug_mode("default")
    stepper.mean_loss()


@pytest.mark.parametrize("steps_before", [0, WARM_UP_STEPS + 2])
def test_a_batch_that_spoils_the_loss_changes_nothing_and_is_named(steps_before: int, gpu: torch.device) -> None:
    stepper = make_stepper(gpu)
    for _ in range(steps_before):
        learn(stepper, raw_batch(8)[0], 1e-3)
    before = weights(stepper.learner.net).clone()
    bad = raw_batch(8)[0]
    bad.keypoints_px[2, 3] = math.nan
    bad.joint_weight[2, 3] = 1.0
    with pytest.raises(InputError, match=r"diverged at epoch 5, step 7.*people 0, 1, 2"):
        stepper.step(stepper.ready(bad), 1e-3, "epoch 5, step 7")
        for number in range(STEPS_BEHIND + 1):
            stepper.step(stepper.ready(bad), 1e-3, f"later {number}")
    torch.cuda.synchronize()
    assert torch.equal(weights(stepper.learner.net), before)


def test_a_fit_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_project()
    params = replace(ON_GPU, epochs=4, draws_per_epoch=10, augment=MOVED, learning_rate=0.005)
    fit_here(params, "models/whole")
    with monkeypatch.context() as patch:
        stop_after(2, patch)
        with pytest.raises(Stop):
            fit_here(params, "models/stopped")
    fit_here(params, "models/stopped")
    # a GPU adds up in an order of its own, so the two are alike and no more
    np.testing.assert_allclose(curve("models/stopped", "train_loss"), curve("models/whole", "train_loss"), rtol=0.1)
    assert load_checkpoint(Path("models/stopped"))[1].lineage["precision"] == "fp32"
