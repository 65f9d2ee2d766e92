"""Map a function over items in worker processes, in order, with a progress bar.

Workers are spawned, not forked: forking a process that has started torch or Blender threads deadlocks.
"""

import multiprocessing
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeVar

from dataengine.hardware.threads import available_cores
from dataengine.terminal.progress import track

Item = TypeVar("Item")
Result = TypeVar("Result")


def parallel_map(
    fn: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    description: str,
    workers: int | None = None,
    initializer: Callable[..., None] | None = None,
    initargs: tuple[Any, ...] = (),
) -> list[Result]:
    """Return ``[fn(item) for item in items]``, computed by `workers` processes, by default one for each core.

    `fn`, the items and the results must be picklable. An exception in a worker is raised here.
    """
    todo = list(items)
    workers = min(workers or available_cores(), len(todo))
    if workers <= 1:
        if initializer:
            initializer(*initargs)
        return [fn(item) for item in track(todo, description)]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=initializer, initargs=initargs) as pool:
        return list(track(pool.map(fn, todo), description, total=len(todo)))
