"""Recording and replaying with a recorder that keeps the function and calls it: what surrounds CUDA's own."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from dataengine.train.fit.params import FitParams
from dataengine.train.fit.step import Stepper
from dataengine.train.fit.steps.batch import Inputs, ready
from dataengine.train.fit.steps.graph import WARM_UP_STEPS, CannotRecord, Recorded, Replay

from ....helpers.fitting_project import one_torch_thread
from ..test_step import PLAIN, learn, make_batch, make_stepper, weights

CPU, AREA = torch.device("cpu"), np.full(64, 400.0)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """For all tests here."""
    with one_torch_thread():
        yield


def inputs_of(size: int, seed: int = 0) -> Inputs:
    return ready(make_batch(size, seed), AREA, CPU).inputs


def call(step: Callable[[], Tensor]) -> Tensor:
    return step()


def keep(step: Callable[[], Tensor]) -> tuple[Replay, Tensor]:
    """Works as a CUDA graph: nothing happens until a replay, and the answer always lies in the same memory."""
    answer = torch.zeros(2)

    def replay() -> None:
        answer.copy_(step())

    return replay, answer


def test_it_calls_records_and_replays_on_the_same_memory() -> None:
    seen: list[tuple[str, int, float]] = []

    def step(way: str) -> Callable[[Inputs], Tensor]:
        def run(inputs: Inputs) -> Tensor:
            seen.append((way, inputs.images.data_ptr(), float(inputs.images.sum())))
            return torch.tensor([len(seen), 0.0])

        return run

    recorded = Recorded(step("called"), step("recorded"), CPU, warm_up=call, record=keep)
    batches = [inputs_of(4, seed) for seed in range(WARM_UP_STEPS + 3)]
    answers = [recorded(batch)[0].item() for batch in batches]
    assert [way for way, _, _ in seen] == ["called"] * WARM_UP_STEPS + ["recorded"] * 3
    assert len({place for _, place, _ in seen}) == 1
    assert answers == [1, 2, 3, 4, 5, 6], "each batch is learned from once"


def test_every_batch_reaches_the_recording_as_it_came() -> None:
    def total(inputs: Inputs) -> Tensor:
        return torch.stack([inputs.images.sum(), inputs.keypoints_px.sum()])

    recorded = Recorded(total, total, CPU, warm_up=call, record=keep)
    for seed in range(6):
        batch = inputs_of(4, seed)
        expected = total(Inputs(*(tensor.clone() for tensor in batch.tensors)))
        torch.testing.assert_close(recorded(batch), expected, rtol=0, atol=0)


def test_a_batch_of_another_size_is_not_squeezed_in() -> None:
    recorded = Recorded(lambda i: torch.zeros(2), lambda i: torch.zeros(2), CPU, warm_up=call, record=keep)
    recorded(inputs_of(4))
    with pytest.raises(CannotRecord, match="a batch of 3 came after one of 4"):
        recorded(inputs_of(3))


def recording_stepper(
    params: FitParams, record: Callable[[Callable[[], Tensor]], tuple[Replay, Tensor]], most: int = 10**9
) -> Stepper:
    """A stepper that records as one on a GPU does."""
    stepper = make_stepper(params, most=most)
    stepper.recorded = Recorded(stepper._learn_within_memory, stepper.learner.learn, CPU, warm_up=call, record=record)
    return stepper


def refuse(step: Callable[[], Tensor]) -> tuple[Replay, Tensor]:
    raise RuntimeError("CUDA error: operation not permitted when stream is capturing\nCUDA kernel errors might be")


@pytest.mark.parametrize("accumulate", [1, 2])
@pytest.mark.parametrize("record", [keep, refuse])
def test_weights_are_those_of_a_fit_that_only_calls(
    record: Callable[[Callable[[], Tensor]], tuple[Replay, Tensor]],
    accumulate: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    params = replace(PLAIN, accumulate=accumulate)
    plain, recording = make_stepper(params), recording_stepper(params, record)
    for number in range(7):
        losses = [learn(stepper, make_batch(8, number), 1e-3 / (1 + number)) for stepper in (plain, recording)]
        assert losses[0] == losses[1]
    assert torch.equal(weights(plain.learner.net), weights(recording.learner.net))
    assert plain.mean_loss() == recording.mean_loss()
    stderr = capsys.readouterr().err
    assert stderr.count("without a CUDA graph: CUDA error: operation not permitted") == (record is refuse)
    assert stderr.count("\n") == (record is refuse)


def test_where_memory_runs_out_it_goes_on_without_a_recording(capsys: pytest.CaptureFixture[str]) -> None:
    short, roomy = recording_stepper(PLAIN, keep, most=3), make_stepper(replace(PLAIN, accumulate=2))
    for seed in range(5):
        losses = [learn(stepper, make_batch(6, seed), 1e-3) for stepper in (short, roomy)]
        assert losses[0] == losses[1]
    assert short.recorded is None
    assert capsys.readouterr().err.count("without a CUDA graph: memory ran out") == 1


def test_another_size_is_learned_from_all_the_same() -> None:
    plain, recording = make_stepper(PLAIN), recording_stepper(PLAIN, keep)
    for number, size in enumerate((8, 8, 8, 8, 8, 5, 8)):
        losses = [learn(stepper, make_batch(size, number), 1e-3) for stepper in (plain, recording)]
        assert losses[0] == losses[1]
    assert torch.equal(weights(plain.learner.net), weights(recording.learner.net))
