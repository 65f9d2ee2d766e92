"""Steps that work ahead of each other: each in a thread, with a line of bounded length before the next.

A fault in a step comes out at the end of its line, after what was made before it, so whoever reads the last line sees
the first fault there was, once. However the block of `Ahead` is left, all threads have ended after it.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Generic, Self, TypeVar

T = TypeVar("T")
THREAD_NAME = "infer"


class _Closed(Exception):
    """Nobody reads any further."""


class Line(Generic[T]):
    """Items from one thread to another, at most `most` of them at a time."""

    def __init__(self, most: int) -> None:
        self._most, self._items = most, deque[T]()
        self._changed = threading.Condition()
        self._ended, self._closed = False, False
        self._fault: BaseException | None = None

    def put(self, item: T) -> None:
        """Waits for room."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._items) < self._most)
            if self._closed:
                raise _Closed
            self._items.append(item)
            self._changed.notify_all()

    def end(self, fault: BaseException | None = None) -> None:
        """Nothing comes after this; the fault is raised where the line is read."""
        with self._changed:
            self._ended, self._fault = True, fault
            self._changed.notify_all()

    def close(self) -> None:
        """Wake whoever waits: the work is over."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def __iter__(self) -> Iterator[T]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._items) or self._ended or self._closed)
                if self._closed:
                    raise _Closed
                if not self._items:
                    if self._fault is not None:
                        raise self._fault
                    return
                item = self._items.popleft()
                self._changed.notify_all()
            yield item


class Ahead:
    """Threads for a ``with`` block, one for each `step`."""

    def __init__(self, most: int) -> None:
        """`most`: length of each line."""
        self._most = most
        self._lines: list[Line] = []
        self._threads: list[threading.Thread] = []

    def step(self, items: Callable[[], Iterable[T]], name: str) -> Line[T]:
        """A line of what `items` gives, which a thread of its own asks and reads once the block has begun."""
        line = Line[T](self._most)

        def work() -> None:
            try:
                for item in items():
                    line.put(item)
            except _Closed:
                pass
            except BaseException as fault:
                line.end(fault)
            else:
                line.end()

        self._lines.append(line)
        self._threads.append(threading.Thread(target=work, name=f"{THREAD_NAME}-{name}", daemon=True))
        return line

    def start(self) -> None:
        """Begin; inside the block, so that Ctrl-C ends what has begun."""
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for line in self._lines:
            line.close()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()
