"""Map a function over items in parallel, in order.

Results do not depend on where they were computed: on one process, several, or a Ray cluster. An item whose worker died
is done again by another one, at most `ATTEMPTS` times; what is finished is never done twice.
"""

import pickle
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from dataengine.errors import DataEngineError, EnvironmentFault
from dataengine.hardware.threads import available_cores
from dataengine.parallel.crews import Crew, Died
from dataengine.parallel.local_crew import LocalCrew
from dataengine.parallel.worker import ItemAnswer
from dataengine.terminal.progress import track
from dataengine.terminal.speech import say

Item = TypeVar("Item")
Result = TypeVar("Result")
ATTEMPTS = 3
"""How often a worker may die of the same item."""


def parallel_map(
    fn: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    description: str,
    workers: int | None = None,
    threads: int = 1,
    cluster: str | None = None,
    name: Callable[[Item], str] | None = None,
    each: Callable[[int, Result], None] | None = None,
    unit: str = "it",
) -> list[Result]:
    """Return ``[fn(item) for item in items]``, computed by `workers` processes, by default one for each core.

    Args:
        fn: is picklable, as are the items and the results.
        items: what is done.
        description: of the work, for its progress bar.
        workers: processes of this machine; one means none but this one. On a cluster: items at a time, by default as
            many as fit on its cores.
        threads: with which a worker's libraries compute, and cores that it takes. This process keeps its own number.
        cluster: address of a Ray cluster, ``auto`` for the one that runs here; None: processes of this machine.
        name: of an item, for messages; by default its number.
        each: called in this process with the number and the result of each item once it is finished, in that order.
        unit: of the progress bar.

    Raises:
        EnvironmentFault: a worker died `ATTEMPTS` times of one item, or the cluster cannot be used.
        Exception: that `fn` raised, with the item's name in its message or its notes.
    """
    todo = list(items)
    done = _finished(
        fn,
        todo,
        names=_Names(todo, name),
        description=description,
        workers=workers,
        threads=threads,
        cluster=cluster,
        unit=unit,
    )
    found = dict[int, Result]()
    for index, value in done:
        found[index] = value
        if each is not None:
            each(index, value)
    return [found[index] for index in range(len(todo))]


def _finished(
    fn: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    names: "_Names",
    description: str,
    workers: int | None,
    threads: int,
    cluster: str | None,
    unit: str,
) -> Iterator[tuple[int, Result]]:
    """The number of each item with its result, as they are finished."""
    if not items:
        return
    workers = min(workers or available_cores(), len(items)) if cluster is None else workers
    if cluster is None and workers == 1:
        done = _here(fn, items, names)
    else:
        crew = crew_for(pickle.dumps(fn), workers=workers, threads=threads, cluster=cluster)
        done = _by_crew(crew, items, names, description)
    yield from track(done, description, total=len(items), unit=unit)


def crew_for(work: bytes, *, workers: int | None, threads: int, cluster: str | None) -> AbstractContextManager[Crew]:
    """Who does the work: processes of this machine, or tasks on a cluster."""
    if cluster is None:
        assert workers is not None
        return LocalCrew(work, count=workers, threads=threads)
    from dataengine.parallel.ray_crew import ray_crew

    return ray_crew(work, cluster, workers=workers, threads=threads)


def _here(
    fn: Callable[[Item], Result],
    items: Sequence[Item],
    names: "_Names",
) -> Iterator[tuple[int, Result]]:
    """In this process, one after the other."""
    for index, item in enumerate(items):
        try:
            value = fn(item)
        except Exception as error:
            raise names.named(index, error) from error.__cause__
        yield index, value


def _by_crew(
    crew: AbstractContextManager[Crew], items: Sequence[Any], names: "_Names", description: str
) -> Iterator[tuple[int, Any]]:
    """By workers, each with one item at a time."""
    waiting, deaths, said = deque(range(len(items))), Counter[int](), set[str]()
    out = 0
    with crew as workers:
        while waiting or out:
            while waiting and out < max(workers.room(), 1):
                index = waiting.popleft()
                workers.give(index, pickle.dumps(items[index]))
                out += 1
            for returned in workers.collect():
                out -= 1
                index, outcome = returned.index, returned.outcome
                if isinstance(outcome, Died):
                    deaths[index] += 1
                    _after_death(names.of(index), outcome.why, deaths[index], description)
                    waiting.appendleft(index)
                    continue
                answer: ItemAnswer = pickle.loads(outcome)  # noqa: S301  of our own worker
                for note in set(answer.notes) - said:
                    say(f"{description}: {note}")
                    said.add(note)
                if answer.error is not None:
                    answer.error.add_note(f"in a worker:\n{answer.trace}")
                    raise names.named(index, answer.error)
                yield index, answer.value


def _after_death(item: str, why: str, deaths: int, description: str) -> None:
    if deaths == ATTEMPTS:
        fix = "give it more memory, or leave the item out"
        raise EnvironmentFault(f"{description}: {item} cannot be done, {deaths} workers died of it", got=why, fix=fix)
    say(f"{description}: {item} is done again, its worker is lost: {why}")


class _Names:
    """What items are called in messages."""

    def __init__(self, items: Sequence[Any], name: Callable[[Any], str] | None) -> None:
        self._items, self._name = items, name

    def of(self, index: int) -> str:
        """The name of an item."""
        return self._name(self._items[index]) if self._name else f"item {index + 1} of {len(self._items)}"

    def named(self, index: int, error: Exception) -> Exception:
        """The error, naming the item: in its line where it is the user's fault, in a note where it is ours."""
        name = self.of(index)
        if not isinstance(error, DataEngineError):
            error.add_note(name)
            return error
        if name in str(error):
            return error
        named = type(error)(f"{name}: {error.what}", expected=error.expected, got=error.got, fix=error.fix)
        named.__notes__ = getattr(error, "__notes__", [])
        return named
