"""The map on a real Ray cluster of two nodes with a core each, on loopback; one of them is killed in mid-run.

One cluster for the module: a node takes seconds to start.
"""

import importlib.util
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dataengine.errors import EnvironmentFault, InputError
from dataengine.parallel import ray_crew
from dataengine.parallel.alike import own_likeness
from dataengine.parallel.parallel_map import parallel_map
from dataengine.parallel.ray_connection import connected

from ..helpers import parallel_items as items

pytestmark = pytest.mark.slow
STARTS, PATIENCE_S = 4, 240
NODE = {
    "num_cpus": 1,
    "object_store_memory": 80 * 1024**2,
    "include_dashboard": False,
    "node_ip_address": "127.0.0.1",
}
SETTINGS = {
    "RAY_worker_niceness": "0",  # as nice as local processes
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # loopback alone
    "PYTHONPATH": str(Path(__file__).resolve().parents[2]),  # where these items are
}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two nodes of this machine, and no connection to them yet."""
    if importlib.util.find_spec("ray") is None:
        pytest.skip("Ray is not installed: pip install -c constraints.txt -e '.[cluster]'")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SETTINGS.items():
            patch.setenv(name, value)
        from ray._private import ray_constants

        patch.setattr(ray_constants, "ENABLE_RAY_CLUSTER", False)  # where a test before this one has loaded Ray
        from ray.cluster_utils import Cluster

        started = begun(lambda: Cluster(initialize_head=True, head_node_args=NODE))
        try:
            begun(lambda: started.add_node(**NODE))
            yield started
        finally:
            started.shutdown()


@pytest.fixture(scope="module")
def address(cluster: Any) -> Iterator[str]:
    """The cluster's address, and a connection that stays open."""
    with connected(cluster.address):
        yield cluster.address


def begun(start: Any) -> Any:
    """What `start` starts; Ray gives a process 30 seconds, which a loaded machine may need more than once."""
    for _ in range(STARTS):
        try:
            return start()
        except Exception as error:
            if "timed out" not in str(error):
                raise
    pytest.skip(f"Ray did not start within {STARTS} times its 30 seconds: this machine is too busy for it")


def test_results_are_those_of_local_processes(cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    local = parallel_map(items.draws, range(6), workers=2, description="draws")
    found = parallel_map(items.draws, range(6), cluster=cluster.address, description="draws")
    assert [value.tobytes() for value in found] == [value.tobytes() for value in local]
    found[0] += 1
    assert list(tmp_path.iterdir()) == [], "nothing lies about"


def test_a_node_that_is_killed_loses_nothing_and_nothing_is_done_twice(
    cluster: Any, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both nodes are in the middle of an item when one of them goes."""
    monkeypatch.chdir(tmp_path)
    paths = [tmp_path / f"item{number}" for number in range(5)]
    victim = next(iter(cluster.worker_nodes))
    raylet = victim.all_processes["raylet"][0].process.pid
    lost: list[str] = []

    def kill() -> None:
        begun_on = {}
        until = time.monotonic() + PATIENCE_S
        while raylet not in begun_on and time.monotonic() < until:
            time.sleep(0.05)
            begun_on = {int(node): (name, int(pid)) for _, name, pid, node in lines(tmp_path / "notes", "begun")}
        if raylet in begun_on:
            name, pid = begun_on[raylet]
            cluster.remove_node(victim, allow_graceful=False)
            while Path(f"/proc/{pid}").exists():
                time.sleep(0.05)
            lost.append(name)
        (tmp_path / "go").touch()

    killer = threading.Thread(target=kill)
    killer.start()
    told: list[str] = []
    try:
        found = parallel_map(
            items.wait_for,
            paths,
            cluster=address,
            description="wait",
            each=lambda _, name: told.append(name),
            name=lambda p: p.name,
        )
    finally:
        killer.join()
    names = [path.name for path in paths]
    assert found == names
    assert len(lost) == 1
    assert f"wait: {lost[0]} is done again, its worker is lost" in capsys.readouterr().err
    assert Counter(line[1] for line in lines(tmp_path / "notes", "ended")) == Counter(names)
    assert Counter(line[1] for line in lines(tmp_path / "notes", "begun")) == Counter([*names, *lost])
    assert Counter(told) == Counter(names)


def lines(path: Path, kind: str) -> list[list[str]]:
    """The words of the lines of one kind."""
    words = [line.split() for line in path.read_text().splitlines()] if path.exists() else []
    return [line for line in words if line[0] == kind]


def test_an_error_on_a_node_names_its_item(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"^item 1 of 1: no pictures; add some"):
        parallel_map(items.refuse, [tmp_path], cluster=address, description="refuse")


def test_a_node_with_another_version_is_refused(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    mine = own_likeness()
    packages = (("dataengine", "0.0.9"), *mine.packages[1:])
    monkeypatch.setattr(ray_crew, "own_likeness", lambda: replace(mine, packages=packages))
    with pytest.raises(EnvironmentFault, match=r"node \S+ has another dataengine: expected 0\.0\.9, got \d"):
        parallel_map(items.threads, [0], cluster=address, description="threads")


def test_no_room_for_an_items_threads(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(EnvironmentFault, match="no node of the cluster has room: expected 8 cores, got 1"):
        parallel_map(items.threads, [0], cluster=address, threads=8, description="threads")
