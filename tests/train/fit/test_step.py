"""One step: pieces and their gradients, memory that runs out, precision, nonsense."""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from dataengine.crops.training.loader import Batch
from dataengine.errors import EnvironmentFault, InputError, ParamsError
from dataengine.nets.network import KeypointNetwork
from dataengine.train.fit.params import FitParams
from dataengine.train.fit.start import choose_device, first_network, model_meta
from dataengine.train.fit.step import Stepper
from dataengine.train.fit.steps.ranks import Ranks

from ...helpers.fitting_project import TINY, one_torch_thread

PLAIN = replace(TINY, learning_rate=1e-3, clip_norm=1e9)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """For all tests here."""
    with one_torch_thread():
        yield


def make_batch(size: int, seed: int = 0) -> Batch:
    rng = np.random.default_rng(seed)
    weight = rng.choice([0.0, 0.5, 1.0], (size, 17)).astype(np.float32)
    weight[: size // 2] *= rng.random((size // 2, 17)) < 0.3  # pieces with few and with many joints
    return Batch(
        images=rng.normal(size=(size, 3, 32, 32)).astype(np.float32),
        keypoints_px=rng.uniform(2, 30, (size, 17, 2)).astype(np.float32),
        joint_weight=weight,
        rows=np.arange(size),
        visibility=np.where(weight > 0, 2, 0).astype(np.uint8),
        crop_scale=rng.uniform(0.8, 1.25, size),
        in_crop=np.where(weight > 0, 1, -1).astype(np.float32),
    )


def make_stepper(
    params: FitParams, *, frozen_norms: bool = False, most: int = 10**9, precision: str = "fp32"
) -> Stepper:
    """`frozen_norms` takes the batch's pieces out of batch norm; more than `most` samples do not fit into memory."""
    net = first_network(params, model_meta(params))
    if frozen_norms:
        net.train = lambda mode=True: torch.nn.Module.train(net, False)  # type: ignore[method-assign, assignment]

    def weigh(module: torch.nn.Module, inputs: Any) -> None:
        if len(inputs[0]) > most:
            raise RuntimeError(
                "[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory: 9 bytes"
            )

    net.register_forward_pre_hook(weigh)
    return Stepper(params, net, np.full(64, 400.0), lambda row: f"images/{row}.png", Ranks(), precision=precision)


def learn(stepper: Stepper, batch: Batch, learning_rate: float, moment: str = "") -> float:
    """One step; returns its loss."""
    return float(stepper.step(stepper.ready(batch), learning_rate, moment))


def weights(net: KeypointNetwork) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in net.parameters()])


@pytest.mark.parametrize("losses", [{"simcc_kl": 1.0}, {"simcc_kl": 0.5, "oks": 1.0, "wing": 0.1}])
def test_pieces_add_up_to_the_whole_batch(losses: dict[str, float]) -> None:
    batch, found = make_batch(12), []
    for accumulate in (1, 2, 3, 12):
        stepper = make_stepper(replace(PLAIN, losses=losses, accumulate=accumulate), frozen_norms=True)
        loss = learn(stepper, batch, 0.0)
        gradient = torch.cat([p.grad.flatten() for p in stepper.learner.net.parameters() if p.grad is not None])
        found.append((loss, gradient))
    for loss, gradient in found[1:]:
        assert loss == pytest.approx(found[0][0], rel=1e-5)
        torch.testing.assert_close(gradient, found[0][1], rtol=1e-3, atol=1e-5)
    assert found[0][1].norm() > 1e-3


def test_memory_that_runs_out_halves_the_batch_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    short, roomy = make_stepper(PLAIN, most=3), make_stepper(replace(PLAIN, accumulate=4))
    for seed in range(3):
        losses = [learn(stepper, make_batch(12, seed), 1e-3) for stepper in (short, roomy)]
        assert losses[0] == losses[1]
    assert short.learner.pieces == 4
    assert torch.equal(weights(short.learner.net), weights(roomy.learner.net))
    stderr = capsys.readouterr().err
    assert stderr.count("out of memory") == 2
    assert "going on with 6 samples at a time" in stderr
    assert "going on with 3 samples at a time" in stderr


def test_a_sample_that_never_fits_stops_the_run() -> None:
    with pytest.raises(EnvironmentFault, match="not even one sample"):
        learn(make_stepper(PLAIN, most=0), make_batch(4), 1e-3)


def test_an_optimizer_that_does_not_fit_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    stepper = make_stepper(PLAIN)
    message = "DefaultCPUAllocator: can't allocate memory: 9 bytes\nmore"
    monkeypatch.setattr(stepper.learner.optimizer, "step", lambda: (_ for _ in ()).throw(RuntimeError(message)))
    with pytest.raises(EnvironmentFault, match="optimizer does not fit") as caught:
        learn(stepper, make_batch(4), 1e-3)
    assert "\n" not in str(caught.value)


def test_another_fault_is_not_taken_for_memory() -> None:
    stepper = make_stepper(PLAIN)
    stepper.learner.net.register_forward_pre_hook(lambda *_: (_ for _ in ()).throw(RuntimeError("shapes differ")))
    with pytest.raises(RuntimeError, match="shapes differ"):
        learn(stepper, make_batch(4), 1e-3)
    assert stepper.learner.pieces == 1


def test_a_batch_that_spoils_the_loss_is_named_and_changes_nothing() -> None:
    stepper = make_stepper(PLAIN)
    before = weights(stepper.learner.net)
    batch = make_batch(4)
    batch.images[2, 0, 0, 0] = math.nan
    with pytest.raises(InputError, match=r"diverged at epoch 5, step 7.*people 0, 1, 2, 3 in images/0\.png, images/1"):
        learn(stepper, batch, 1e-3, "epoch 5, step 7")
    assert torch.equal(weights(stepper.learner.net), before)


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
@pytest.mark.parametrize("channels_last", [True, False])
def test_precision_and_memory_layout_lead_the_same_way(precision: str, channels_last: bool) -> None:
    reference = make_stepper(PLAIN)
    other = make_stepper(replace(PLAIN, channels_last=channels_last), precision=precision)
    for seed in range(4):
        one, two = (learn(stepper, make_batch(8, seed), 1e-3) for stepper in (reference, other))
        assert two == pytest.approx(one, rel=0.02 if precision == "bf16" else 1e-4)


def test_half_precision_on_a_cpu_and_an_absent_gpu_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ParamsError, match="fp16 needs a GPU"):
        choose_device(replace(TINY, precision="fp16"))
    with pytest.raises(EnvironmentFault, match="no GPU"):
        choose_device(replace(TINY, device="cuda"))
    assert choose_device(replace(TINY, device="auto")).type == "cpu"


@pytest.mark.parametrize("head", ["simcc", "heatmap"])
def test_each_head_learns_a_batch_by_heart(head: str) -> None:
    main = {"simcc": "simcc_kl", "heatmap": "heatmap_mse"}[head]
    kwargs = {"channels": [16, 32], "blocks": [1, 1], **({"deconv_channels": 16} if head == "heatmap" else {})}
    params = replace(PLAIN, head=head, network_kwargs=kwargs, losses={main: 1.0, "smooth_l1": 0.02}, label_sigma_px=3.0)
    stepper, batch = make_stepper(params), make_batch(4)
    losses = [learn(stepper, batch, 5e-3) for _ in range(40)]
    assert losses[-1] < 0.5 * losses[0]
