import threading
import time

import pytest

from dataengine.crops.loader import THREAD_NAME, prefetch


def test_items_come_in_order_and_once() -> None:
    assert list(prefetch(lambda i: i * i, range(20))) == [i * i for i in range(20)]


def test_items_are_made_ahead_but_not_without_bound() -> None:
    made: list[int] = []

    def make(i: int) -> int:
        made.append(i)
        return i

    items = prefetch(make, range(100))
    next(items)
    deadline = time.monotonic() + 5
    while len(made) < 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert 4 <= len(made) <= 6
    items.close()  # type: ignore[attr-defined]


def test_a_fault_in_the_thread_is_raised_to_the_consumer() -> None:
    def make(i: int) -> int:
        if i == 2:
            raise ValueError("sample 2 is bad")
        return i

    with pytest.raises(ValueError, match="sample 2 is bad"):
        list(prefetch(make, range(5)))


def test_a_consumer_that_leaves_early_leaves_no_thread() -> None:
    items = prefetch(lambda i: i, range(1000))
    next(items)
    items.close()  # type: ignore[attr-defined]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith(THREAD_NAME)]
