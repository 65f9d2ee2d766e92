"""Learning rates against PyTorch's schedulers, and the average of the weights."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from dataengine.train.fit.schedule import MovingAverage, average_decay, decay_groups, learning_rate

from ...helpers.fitting_project import TINY


def rates(steps: int, **changes: float) -> np.ndarray:
    params = replace(TINY, **changes)  # type: ignore[arg-type]
    return np.array([learning_rate(params, step, steps) for step in range(steps)])


def test_the_learning_rate_rises_and_falls() -> None:
    found = rates(100)
    assert np.argmax(found) in (9, 10)
    assert found.max() == TINY.learning_rate
    assert found[0] == pytest.approx(TINY.learning_rate / 10)
    assert found[-1] < 0.01 * TINY.learning_rate
    assert (np.diff(found[10:]) < 0).all()


@pytest.mark.parametrize(("cycles", "growth", "first"), [(3, 1.0, 30), (3, 2.0, 10), (1, 1.0, 50)])
def test_restarts_are_those_of_the_librarys_scheduler(cycles: int, growth: float, first: int) -> None:
    length = round(sum(first * growth**i for i in range(cycles)))
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=TINY.learning_rate)
    library = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=first, T_mult=int(growth))
    expected = []
    for _ in range(length):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        library.step()
    found = rates(length + 1, warmup_share=0.0, restarts=cycles - 1, restart_growth=growth)
    np.testing.assert_allclose(found[1:], expected, rtol=1e-12)  # the first step is the shortest of warm-ups


def test_every_share_of_warm_up_and_restarts_gives_a_rate_within_bounds() -> None:
    for steps in (1, 2, 3, 7, 50):
        for restarts in (0, 1, 5, 20):
            for growth in (0.5, 1.0, 3.0):
                found = rates(steps, restarts=restarts, restart_growth=growth, warmup_share=0.3)
                assert ((found >= 0) & (found <= TINY.learning_rate)).all()


@pytest.mark.parametrize("decay", [0.75, torch.tensor(0.75)])
def test_the_average_moves_by_the_decay(decay: float | torch.Tensor) -> None:
    average, net = torch.nn.BatchNorm1d(2), torch.nn.BatchNorm1d(2)
    net.weight.data.fill_(3.0)
    assert net.num_batches_tracked is not None
    net.num_batches_tracked.fill_(7)
    MovingAverage(average, net).update(decay)
    torch.testing.assert_close(average.weight.detach(), torch.tensor([1.5, 1.5]))
    assert average.num_batches_tracked is not None
    assert average.num_batches_tracked.item() == 7
    assert average_decay(TINY, 0) == 0.1
    assert average_decay(TINY, 10_000) == TINY.ema_decay


def test_only_kernels_decay() -> None:
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 1), torch.nn.BatchNorm2d(4), torch.nn.Linear(2, 2))
    kernels, others = decay_groups(net, 0.3)
    assert [p.ndim for p in kernels["params"]] == [4, 2]
    assert len(others["params"]) == 4
    assert (kernels["weight_decay"], others["weight_decay"]) == (0.3, 0.0)
