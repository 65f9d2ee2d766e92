"""Steps in threads: order, bounds, faults, and that nothing is left running."""

import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from dataengine.infer.lines import THREAD_NAME, Ahead
from dataengine.infer.step_times import StepTimes


def ours() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith(THREAD_NAME)]


def jittered(items: Iterator[int], seed: int) -> Iterator[int]:
    rng = np.random.default_rng(seed)
    for item in items:
        time.sleep(float(rng.uniform(0, 0.002)))
        yield item


def test_order_is_kept_and_no_more_than_a_few_wait() -> None:
    begun, most_ahead, taken = 0, 0, 0

    def source() -> Iterator[int]:
        nonlocal begun
        for number in range(60):
            begun += 1
            yield number

    with Ahead(2) as ahead:
        one = ahead.step(lambda: jittered(source(), 1), "one")
        two = ahead.step(lambda: jittered(iter(one), 2), "two")
        three = ahead.step(lambda: jittered(iter(two), 3), "three")
        ahead.start()
        for expected, got in enumerate(three):
            assert got == expected
            taken += 1
            most_ahead = max(most_ahead, begun - taken)
    assert taken == 60 and most_ahead <= 3 * (2 + 1) + 1 and not ours()


def test_a_fault_comes_after_what_was_made_before_it() -> None:
    def broken() -> Iterator[int]:
        yield from range(3)
        raise ValueError("broke")

    got: list[int] = []
    with pytest.raises(ValueError, match="broke"), Ahead(2) as ahead:
        one = ahead.step(broken, "one")
        two = ahead.step(lambda: (10 * item for item in one), "two")
        ahead.start()
        got.extend(two)
    assert not ours()


def test_a_reader_that_leaves_ends_the_threads() -> None:
    closed = threading.Event()

    def endless() -> Iterator[int]:
        try:
            while True:
                yield 1
        finally:
            closed.set()

    with Ahead(2) as ahead:
        line = ahead.step(endless, "one")
        ahead.start()
        assert next(iter(line)) == 1
    assert not ours() and closed.wait(5), "and what they read is closed, such as a camera"


def test_percentiles_are_those_of_numpy_within_a_bin() -> None:
    times, rng = StepTimes(), np.random.default_rng(0)
    spent_s = rng.lognormal(-5, 1, 2000)
    for seconds in spent_s:
        times.add("step", float(seconds))
    got = times.percentiles()["step"]
    expected = np.percentile(1000 * spent_s, [50, 95, 99])
    np.testing.assert_allclose([got["p50"], got["p95"], got["p99"]], expected, rtol=0.03)
    times.add("batch", 0.4, pictures=4)
    assert abs(times.percentiles()["batch"]["p50"] - 100) < 1
