"""The losses against numpy in float64, joint by joint from their definitions, and against finite differences."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pytest
import torch

from dataengine.errors import ParamsError
from dataengine.evaluation.ap.protocol import OksProtocol
from dataengine.keypoints import COCO_SIGMAS
from dataengine.nets.heads import HEADS, Head, make_head
from dataengine.nets.layout import Layout
from dataengine.train.losses.distribution import LABEL_SHARPNESS, gaussian_heatmaps, gaussian_labels
from dataengine.train.losses.position import SMOOTH_L1_BETA_PX, oks_loss, smooth_l1_loss, wing_loss
from dataengine.train.losses.table import LOSSES, NEEDS_HEAD, TEACHES, LossScales, Target, WeightedLoss

from ...helpers.fitting_project import one_torch_thread

LAYOUT = Layout(32, 48)
SIGMA_PX = 3.0
OWN = OksProtocol(sigmas=np.linspace(0.02, 0.12, 17))
SCALES = LossScales.of(SIGMA_PX, OWN)
OF_PLACES = [name for name in LOSSES if name not in TEACHES]
"""The others are in test_besides.py."""
Answer = tuple[torch.Tensor, ...]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """For all tests here."""
    with one_torch_thread():
        yield


def head_for(loss: str) -> Head:
    kind = NEEDS_HEAD.get(loss, HEADS["simcc"])
    return make_head(next(name for name, value in HEADS.items() if issubclass(value, kind)), LAYOUT, {})[0]


def make_case(head: Head, people: int = 3, seed: int = 0) -> tuple[Answer, Target]:
    rng = np.random.default_rng(seed)
    if "heatmaps" in head.outputs:
        arrays = [rng.normal(size=(people, 17, 12, 8)) * 0.3]
    else:
        arrays = [rng.normal(size=(people, 17, 64)) * 2, rng.normal(size=(people, 17, 96)) * 2]
    target = Target(
        torch.from_numpy(rng.uniform(-2, 33, (people, 17, 2))),
        torch.from_numpy(rng.choice([0.0, 0.4, 1.0], (people, 17))),
        torch.from_numpy(rng.uniform(200, 900, people)),
    )
    return tuple(torch.from_numpy(array) for array in arrays), target


def expected_simcc(logits: np.ndarray) -> float:
    p = np.exp(logits - logits.max())
    return float(sum(p[i] / p.sum() * ((i + 0.5) / 2 - 0.5) for i in range(len(p))))


def kl(logits: np.ndarray, place: float, *, sharp: bool = False) -> float:
    q = np.exp(logits - logits.max())
    q /= q.sum()
    p = np.exp(-0.5 * (((np.arange(len(q)) + 0.5) / 2 - 0.5 - place) / SIGMA_PX) ** 2)
    p = np.exp(10 * p) if sharp else p
    p /= p.sum()
    seen = p > 0
    return float((p[seen] * np.log(p[seen] / q[seen])).sum())


def cost_simcc_kl(answer: Any, at: tuple[int, int], point: np.ndarray, area: float) -> float:
    return sum(kl(axis[at], place) for axis, place in zip(answer, point, strict=True))


def cost_simcc_sharp_kl(answer: Any, at: tuple[int, int], point: np.ndarray, area: float) -> float:
    return sum(kl(axis[at], place, sharp=True) for axis, place in zip(answer, point, strict=True))


def cost_heatmap_mse(answer: Any, at: tuple[int, int], point: np.ndarray, area: float) -> float:
    total, step = 0.0, (31 / 7, 47 / 11)
    for row in range(12):
        for column in range(8):
            squared = (column * step[0] - point[0]) ** 2 + (row * step[1] - point[1]) ** 2
            total += (answer[0][at][row, column] - np.exp(-squared / (2 * SIGMA_PX**2))) ** 2
    return total * step[0] * step[1] / (np.pi * SIGMA_PX**2)


def difference(answer: Any, at: tuple[int, int], point: np.ndarray) -> np.ndarray:
    return np.array([expected_simcc(axis[at]) for axis in answer]) - point


def cost_oks(answer: Any, at: tuple[int, int], point: np.ndarray, area: float) -> float:
    d = difference(answer, at, point)
    return float(1 - np.exp(-(d @ d) / (2 * area * (2 * OWN.sigmas[at[1]]) ** 2)))


def cost_smooth_l1(answer: Any, at: tuple[int, int], point: np.ndarray, area: float) -> float:
    return float(sum(0.25 * e * e if e < 2 else e - 1 for e in np.abs(difference(answer, at, point))))


def cost_wing(answer: Any, at: tuple[int, int], point: np.ndarray, area: float) -> float:
    offset = 10 - 10 * np.log(6)
    return float(sum(10 * np.log(1 + e / 2) if e < 10 else e - offset for e in np.abs(difference(answer, at, point))))


REFERENCES: Mapping[str, Callable[[Any, tuple[int, int], np.ndarray, float], float]] = {
    "simcc_kl": cost_simcc_kl,
    "simcc_sharp_kl": cost_simcc_sharp_kl,
    "heatmap_mse": cost_heatmap_mse,
    "oks": cost_oks,
    "smooth_l1": cost_smooth_l1,
    "wing": cost_wing,
}


@pytest.mark.parametrize("name", OF_PLACES)
def test_a_loss_equals_its_definition(name: str) -> None:
    head = head_for(name)
    answer, target = make_case(head)
    weight, points = target.joint_weight.numpy(), target.keypoints_px.numpy()
    arrays = [tensor.numpy() for tensor in answer]
    total = sum(
        weight[i, j] * REFERENCES[name](arrays, (i, j), points[i, j], float(target.area_px2[i]))
        for i in range(3)
        for j in range(17)
    )
    loss = WeightedLoss({name: 1.0}, head, SCALES)(answer, target)
    assert loss.item() == pytest.approx(total / (weight > 0).sum(), rel=1e-9)


@pytest.mark.parametrize("name", OF_PLACES)
def test_its_gradient_equals_finite_differences(name: str) -> None:
    head = head_for(name)
    answer, target = make_case(head, people=1, seed=4)
    inputs = tuple(tensor.requires_grad_(True) for tensor in answer)
    loss = WeightedLoss({name: 0.7}, head, SCALES)
    assert torch.autograd.gradcheck(lambda *a: loss(a, target), inputs)


@pytest.mark.parametrize("kind", HEADS)
def test_the_expected_place_is_differentiable(kind: str) -> None:
    head = make_head(kind, LAYOUT, {})[0]
    answer, _ = make_case(head, people=1)
    inputs = tuple(tensor.requires_grad_(True) for tensor in answer)
    assert torch.autograd.gradcheck(lambda *a: head.expected_px(a), inputs)


@pytest.mark.parametrize("name", OF_PLACES)
def test_joints_of_weight_zero_count_nowhere(name: str) -> None:
    head = head_for(name)
    answer, target = make_case(head)
    loss = WeightedLoss({name: 1.0}, head, SCALES)
    moved = torch.where(target.joint_weight[..., None] > 0, target.keypoints_px, target.keypoints_px + 7)
    assert loss(answer, target).item() == loss(answer, Target(moved, target.joint_weight, target.area_px2)).item()
    inputs = tuple(tensor.clone().requires_grad_(True) for tensor in answer)
    gradients = torch.autograd.grad(loss(inputs, target), inputs)
    for gradient in gradients:
        assert (gradient[target.joint_weight == 0] == 0).all()
        assert (gradient[target.joint_weight > 0].flatten(1).abs().sum(dim=1) > 0).any()


@pytest.mark.parametrize("name", OF_PLACES)
@pytest.mark.parametrize("people", [0, 2])
def test_nothing_to_count_is_zero_and_has_a_finite_gradient(name: str, people: int) -> None:
    head = head_for(name)
    answer, target = make_case(head, people=people)
    nothing = Target(target.keypoints_px, target.joint_weight * 0, target.area_px2)
    inputs = tuple(tensor.requires_grad_(True) for tensor in answer)
    loss = WeightedLoss({name: 1.0}, head, SCALES)(inputs, nothing)
    assert loss.item() == 0
    assert all(torch.isfinite(g).all() and not g.any() for g in torch.autograd.grad(loss, inputs))


@pytest.mark.parametrize("name", OF_PLACES)
def test_weights_scale_and_a_right_answer_costs_less_than_a_wrong_one(name: str) -> None:
    head = head_for(name)
    _, target = make_case(head)
    target = Target(target.keypoints_px.clamp(4, 27), torch.ones_like(target.joint_weight), target.area_px2)
    place = target.keypoints_px
    if "heatmaps" in head.outputs:
        right: Answer = (gaussian_heatmaps(place, 12, 8, (31 / 7, 47 / 11), SIGMA_PX),)
    else:
        sharp = LABEL_SHARPNESS if name == "simcc_sharp_kl" else None
        right = tuple(gaussian_labels(place[..., a], bins, 2, SIGMA_PX, sharp).log() for a, bins in ((0, 64), (1, 96)))
    wrong = tuple(tensor.flip(-1) for tensor in right)
    one, twice = (WeightedLoss({name: w}, head, SCALES) for w in (1.0, 2.0))
    assert one(right, target) < 0.2 * one(wrong, target)
    assert twice(wrong, target).item() == pytest.approx(2 * one(wrong, target).item())
    if name in NEEDS_HEAD:
        assert one(right, target).item() == pytest.approx(0, abs=1e-12)


def test_the_weighted_sum_is_the_sum_of_its_terms() -> None:
    head = head_for("simcc_kl")
    answer, target = make_case(head)
    parts = {name: WeightedLoss({name: 1.0}, head, SCALES)(answer, target).item() for name in ("simcc_kl", "oks")}
    both = WeightedLoss({"simcc_kl": 0.5, "oks": 3.0, "wing": 0.0}, head, SCALES)(answer, target)
    assert both.item() == pytest.approx(0.5 * parts["simcc_kl"] + 3 * parts["oks"])


def test_labels_sum_to_one_and_peak_at_the_place() -> None:
    label = gaussian_labels(torch.tensor([3.3, 0.0, 40.0], dtype=torch.float64), 32, 2, 1.0)
    torch.testing.assert_close(label.sum(-1), torch.ones(3, dtype=torch.float64))
    assert label.argmax(-1).tolist() == [7, 0, 31]  # bin 7 lies at 3.25
    assert torch.isfinite(label).all()


def test_smooth_l1_is_the_librarys() -> None:
    _, target = make_case(head_for("oks"))
    place = target.keypoints_px + torch.linspace(-4, 4, 102, dtype=torch.float64).reshape(3, 17, 2)
    ones = torch.ones_like(target.joint_weight)
    library = torch.nn.functional.smooth_l1_loss(place, target.keypoints_px, beta=SMOOTH_L1_BETA_PX) * 2
    torch.testing.assert_close(smooth_l1_loss(place, target.keypoints_px, ones), library)
    assert wing_loss(target.keypoints_px, target.keypoints_px, ones).item() == 0


def test_oks_loss_of_one_sigma_is_known() -> None:
    """At d = 2 sigma sqrt(area) OKS is exp(-1/2), whatever the joint."""
    point, ones = torch.zeros(1, 17, 2, dtype=torch.float64), torch.ones(1, 17, dtype=torch.float64)
    away = point.clone()
    sigmas = torch.from_numpy(COCO_SIGMAS)
    away[..., 0] = 2 * sigmas * 400**0.5
    loss = oks_loss(away, point, ones, torch.tensor([400.0], dtype=torch.float64), sigmas)
    assert loss.item() == pytest.approx(1 - np.exp(-0.5))


@pytest.mark.parametrize(
    ("weights", "fault"),
    [
        ({"dice": 1.0}, "unknown name"),
        ({"heatmap_mse": 1.0}, "does not fit the head"),
        ({"oks": -1.0}, "0 or more"),
        ({"oks": float("nan")}, "0 or more"),
        ({"oks": 0.0}, "one above 0"),
        ({"oks": None, "simcc_kl": 1.0}, "0 or more"),
        ({"oks": "0.1", "simcc_kl": 1.0}, "0 or more"),
        ({}, "one above 0"),
    ],
)
def test_senseless_sums_are_refused(weights: dict[str, Any], fault: str) -> None:
    with pytest.raises(ParamsError, match=fault):
        WeightedLoss(weights, head_for("simcc_kl"), SCALES)
