"""Workers on a Ray cluster: every item is a task, of which Ray knows on which node there is room.

Ray itself retries nothing: what becomes of an item is decided in one place, `parallel_map`. The first task in each
process checks that its node is like the caller's machine, sees the caller's folder, and works there.
"""

import os
import platform
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from dataengine.errors import EnvironmentFault
from dataengine.parallel.alike import Likeness, own_likeness, require_alike
from dataengine.parallel.crews import Died, Handed
from dataengine.parallel.ray_connection import connected
from dataengine.parallel.worker import answer
from dataengine.terminal.speech import say

_WAIT_SECONDS = 60.0


@contextmanager
def ray_crew(work: bytes, address: str, *, workers: int | None, threads: int) -> Iterator["RayCrew"]:
    """A crew on the cluster at `address`; see `connected`.

    Raises:
        EnvironmentFault: the cluster cannot be used, or no node has `threads` cores.
    """
    with connected(address) as ray, _seen_folder() as place, RayCrew(ray, work, place, workers, threads) as crew:
        yield crew


class RayCrew:
    """Tasks that take `threads` cores each, at most `workers` at a time, or as many as fit on the cluster."""

    def __init__(self, ray: Any, work: bytes, place: Path, workers: int | None, threads: int) -> None:
        self._ray, self._workers, self._threads = ray, workers, threads
        largest = max((node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"]), default=0)
        if largest < threads:
            raise EnvironmentFault("no node of the cluster has room", expected=f"{threads} cores", got=f"{largest:g}")
        self._task = ray.remote(max_retries=0, num_cpus=threads)(do_item)
        self._terms = ray.put((work, threads, place, own_likeness()))
        self._running: dict[Any, int] = {}

    def __enter__(self) -> "RayCrew":
        return self

    def __exit__(self, *_: object) -> None:
        """Have the cluster drop what is not finished."""
        for reference in self._running:
            self._ray.cancel(reference, force=True)

    def room(self) -> int:
        """How many items fit on the nodes that are there now."""
        room = int(self._ray.cluster_resources().get("CPU", 0) // self._threads)
        return room if self._workers is None else min(room, self._workers)

    def give(self, index: int, item: bytes) -> None:
        """Have a task do the item."""
        self._running[self._task.remote(self._terms, item)] = index

    def collect(self) -> list[Handed]:
        """Wait until a task ended."""
        ready: list[Any] = []
        while not ready:
            ready, _ = self._ray.wait(list(self._running), num_returns=1, timeout=_WAIT_SECONDS)
            if not ready and not self._ray.cluster_resources().get("CPU", 0):
                say("no node of the cluster is left; waiting for one")
        return [Handed(self._running.pop(reference), self._outcome(reference)) for reference in ready]

    def _outcome(self, reference: Any) -> bytes | Died:
        try:
            outcome: bytes = self._ray.get(reference)
        except self._ray.exceptions.RayTaskError as error:  # before `answer` could take over
            got = str(error).strip().splitlines()[-1]
            fix = "give every node the same code and environment, best by a shared folder"
            raise EnvironmentFault("a node cannot run dataengine", got=got, fix=fix) from error
        except self._ray.exceptions.RayError as error:
            return Died(str(error).strip().splitlines()[0])
        return outcome


def do_item(terms: tuple[bytes, int, Path, Likeness], item: bytes) -> bytes:
    """What a task runs: the item's pickled `ItemAnswer`."""
    work, threads, place, theirs = terms
    return answer(work, item, threads, before=partial(_settle, place, theirs))


def _settle(place: Path, theirs: Likeness) -> tuple[str, ...]:
    """Go to the caller's folder, and return what there is to say about this node."""
    if not place.is_file():
        fix = "put the project into a folder that all nodes see at the same path"
        raise EnvironmentFault(f"node {platform.node()} does not see the project", expected=str(place.parent), fix=fix)
    os.chdir(place.parent)
    return require_alike(own_likeness(), theirs)


@contextmanager
def _seen_folder() -> Iterator[Path]:
    """A file in the working folder, by which nodes see whether they have the same one."""
    place = Path.cwd() / f".cluster-{secrets.token_hex(8)}.partial"
    place.touch()
    try:
        yield place
    finally:
        place.unlink(missing_ok=True)
