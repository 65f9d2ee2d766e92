import numpy as np
import pytest
import torch

from dataengine.train.losses import gaussian_labels, simcc_loss


def reference_loss(x: np.ndarray, y: np.ndarray, points: np.ndarray, weight: np.ndarray, sigma: float) -> float:
    """KL(label || network) joint by joint in float64, from the definition."""
    total = 0.0
    for person in range(x.shape[0]):
        for joint in range(x.shape[1]):
            for axis, logits in enumerate((x[person, joint], y[person, joint])):
                q = np.exp(logits - logits.max())
                q /= q.sum()
                p = np.exp(-0.5 * (((np.arange(len(q)) + 0.5) / 2 - 0.5 - points[person, joint, axis]) / sigma) ** 2)
                p /= p.sum()
                seen = p > 0
                total += weight[person, joint] * float((p[seen] * np.log(p[seen] / q[seen])).sum())
    return total / max(1, int((weight > 0).sum()))


@pytest.fixture
def case() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(3, 4, 32)) * 2, rng.normal(size=(3, 4, 48)) * 2
    points = rng.uniform(0, 15, (3, 4, 2))
    return x, y, points, rng.choice([0.0, 0.4, 1.0], (3, 4))


def test_loss_equals_its_definition(case: tuple[np.ndarray, ...]) -> None:
    x, y, points, weight = (torch.from_numpy(a) for a in case)
    loss = simcc_loss(x, y, points, weight, split=2, sigma_px=1.5)
    assert loss.item() == pytest.approx(reference_loss(case[0], case[1], case[2], case[3], 1.5), rel=1e-9)


def test_gradient_equals_finite_differences(case: tuple[np.ndarray, ...]) -> None:
    x, y, points, weight = (torch.from_numpy(a[:1, :2].copy()) for a in case)
    x.requires_grad_(True)
    y.requires_grad_(True)
    assert torch.autograd.gradcheck(lambda a, b: simcc_loss(a, b, points, weight, split=2, sigma_px=1.5), (x, y))


def test_labels_sum_to_one_and_peak_at_the_place() -> None:
    label = gaussian_labels(torch.tensor([3.3, 0.0, 40.0], dtype=torch.float64), 32, 2, 1.0)
    torch.testing.assert_close(label.sum(-1), torch.ones(3, dtype=torch.float64))
    assert label.argmax(-1).tolist() == [7, 0, 31]  # bin 7 lies at 3.25
    assert torch.isfinite(label).all()


def test_joints_of_weight_zero_count_nowhere(case: tuple[np.ndarray, ...]) -> None:
    x, y, points, weight = (torch.from_numpy(a) for a in case)
    moved = torch.where(weight[..., None] > 0, points, points + 7)
    one = simcc_loss(x, y, points, weight, split=2, sigma_px=1.5)
    assert one.item() == simcc_loss(x, y, moved, weight, split=2, sigma_px=1.5).item()
    assert simcc_loss(x, y, points, weight * 0, split=2, sigma_px=1.5).item() == 0


def test_a_perfect_answer_costs_nothing() -> None:
    points = torch.tensor([[[7.0, 9.0]]], dtype=torch.float64)
    x, y = (gaussian_labels(points[..., axis], 32, 2, 1.5).log() for axis in (0, 1))
    loss = simcc_loss(x, y, points, torch.ones(1, 1, dtype=torch.float64), split=2, sigma_px=1.5)
    assert loss.item() == pytest.approx(0, abs=1e-12)
