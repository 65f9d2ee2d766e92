"""What a head says besides the place: the likelihood against scipy in float64, presence joint by joint."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import trapezoid
from scipy.special import expit
from scipy.stats import laplace

from dataengine.errors import ParamsError
from dataengine.evaluation.ap.protocol import COCO
from dataengine.nets.heads import Head, make_head
from dataengine.nets.layout import Layout
from dataengine.train.losses.table import LossScales, Target, WeightedLoss

LAYOUT, PEOPLE = Layout(32, 48), 2
SCALES = LossScales.of(3.0, COCO)


def head_that_says(**options: Any) -> Head:
    return make_head("simcc", LAYOUT, options)[0]


def make_case(head: Head, seed: int = 0) -> tuple[tuple[torch.Tensor, ...], Target]:
    rng = np.random.default_rng(seed)
    shapes = [(PEOPLE, 17, 64), (PEOPLE, 17, 96), *[(PEOPLE, 17)] * (len(head.outputs) - 2)]
    target = Target(
        torch.from_numpy(rng.uniform(-2, 33, (PEOPLE, 17, 2))),
        torch.from_numpy(rng.choice([0.0, 0.4, 1.0], (PEOPLE, 17))),
        torch.from_numpy(rng.uniform(200, 900, PEOPLE)),
        torch.from_numpy(rng.choice([-1.0, 0.0, 1.0], (PEOPLE, 17))),
    )
    return tuple(torch.from_numpy(rng.normal(size=shape)) for shape in shapes), target


def density(logits: np.ndarray, scale_px: float, at_px: float) -> float:
    """The mixture's, on an axis of half-pixel bins."""
    bins = laplace.pdf(at_px, loc=np.arange(len(logits)) / 2 - 0.25, scale=scale_px)
    return float(np.exp(logits) @ bins / np.exp(logits).sum())


def test_the_likelihood_is_that_of_a_mixture_of_laplace_distributions() -> None:
    head = head_that_says(spread=True)
    (x, y, log_spread), target = make_case(head)
    log_spread[0, 3], log_spread[1, 4] = 50.0, -50.0  # read as the crop and as half a bin
    target.joint_weight[0, 3] = target.joint_weight[1, 4] = 1.0
    scale = np.clip(np.exp(log_spread.numpy()), 0.25, 48)
    total = 0.0
    for i, j in np.ndindex(PEOPLE, 17):
        for logits, place in ((x, 0), (y, 1)):
            seen = density(logits[i, j].numpy(), scale[i, j], target.keypoints_px[i, j, place].item())
            total -= target.joint_weight[i, j].item() * np.log(seen)
    loss = WeightedLoss({"simcc_mle": 1.0}, head, SCALES)((x, y, log_spread), target)
    assert loss.item() == pytest.approx(total / int(target.counted), rel=1e-9)
    grid = np.linspace(-60, 92, 3000)
    whole = trapezoid([density(x[0, 0].numpy(), scale[0, 0], at) for at in grid], grid)
    assert whole == pytest.approx(1, abs=1e-3), "a density: no scale is free"


@settings(deadline=None, max_examples=20)
@given(st.floats(0.5, 6.0), st.integers(0, 10))
def test_the_best_scale_is_the_mean_distance(true_scale_px: float, seed: int) -> None:
    """The maximum-likelihood scale of Laplace-distributed errors (Kotz et al. 2001, section 2.6)."""
    errors = laplace.rvs(scale=true_scale_px, size=17, random_state=seed)
    head = make_head("simcc", Layout(256, 256), {"spread": True})[0]
    sharp = torch.full((1, 17, 512), -1e4, dtype=torch.float64)
    sharp[..., 257] = 0  # at 128.25 px
    points = torch.from_numpy(128.25 + np.stack([errors, errors], axis=1))[None]
    target = Target(points, torch.ones(1, 17, dtype=torch.float64), torch.ones(1))
    log_spread = torch.full((1, 17), float(np.log(np.abs(errors).mean())), dtype=torch.float64, requires_grad=True)
    loss = WeightedLoss({"simcc_mle": 1.0}, head, SCALES)((sharp, sharp, log_spread), target)
    (gradient,) = torch.autograd.grad(loss, log_spread)
    assert abs(gradient.sum().item()) < 1e-9


def test_presence_costs_what_each_known_joint_costs() -> None:
    head = head_that_says(presence=True)
    answer, target = make_case(head)
    assert target.in_crop is not None
    total = 0.0
    for i, j in np.ndindex(PEOPLE, 17):
        chance = expit(answer[2][i, j].item())
        total -= {1: np.log(chance), 0: np.log(1 - chance), -1: 0.0}[int(target.in_crop[i, j])]
    loss = WeightedLoss({"presence": 0.5, "simcc_kl": 1.0}, head, SCALES)
    plain = WeightedLoss({"simcc_kl": 1.0}, head_that_says(), SCALES)(answer[:2], target)
    assert loss(answer, target).item() == pytest.approx(0.5 * total / int(target.counted) + plain.item(), rel=1e-9)
    nobody_knows = Target(target.keypoints_px, target.joint_weight, target.area_px2)
    assert loss(answer, nobody_knows).item() == pytest.approx(plain.item())


@pytest.mark.parametrize("loss", ["simcc_mle", "presence"])
def test_gradients_equal_finite_differences_and_nothing_to_count_is_zero(loss: str) -> None:
    head = head_that_says(spread=loss == "simcc_mle", presence=loss == "presence")
    answer, target = make_case(head, seed=2)
    inputs = tuple(tensor.requires_grad_(True) for tensor in answer)
    weighted = WeightedLoss({loss: 0.7}, head, SCALES)
    assert torch.autograd.gradcheck(lambda *a: weighted(a, target), inputs, fast_mode=True)
    nothing = Target(target.keypoints_px, target.joint_weight * 0, target.area_px2, target.keypoints_px[..., 0] * 0 - 1)
    assert weighted(answer, nothing).item() == 0


@pytest.mark.parametrize(
    ("head", "weights", "said"),
    [
        (head_that_says(), {"simcc_mle": 1.0}, "losses.simcc_mle and network_kwargs.spread"),
        (head_that_says(), {"simcc_kl": 1.0, "presence": 0.1}, "losses.presence and network_kwargs.presence"),
        (head_that_says(presence=True), {"simcc_kl": 1.0}, "losses.presence and network_kwargs.presence"),
        (head_that_says(spread=True), {"simcc_kl": 1.0, "simcc_mle": 0.0}, "losses.simcc_mle and network_kwargs"),
        (make_head("heatmap", LAYOUT, {})[0], {"presence": 1.0}, "losses.presence does not fit the head"),
    ],
)
def test_what_no_loss_teaches_and_what_no_output_shows_is_refused(
    head: Head, weights: dict[str, float], said: str
) -> None:
    with pytest.raises(ParamsError, match=said):
        WeightedLoss(weights, head, SCALES)


def test_an_option_is_true_or_false() -> None:
    with pytest.raises(ParamsError, match="network_kwargs spread"):
        head_that_says(spread="yes")
    with pytest.raises(ParamsError, match="network_kwargs presence"):
        make_head("rtmcc", LAYOUT, {"presence": 1})
