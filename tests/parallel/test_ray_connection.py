"""What keeps a cluster from being used is said in one line; none of this starts Ray."""

import socket
import sys

import pytest

from dataengine.errors import EnvironmentFault
from dataengine.parallel.alike import Likeness, require_alike
from dataengine.parallel.parallel_map import parallel_map
from dataengine.parallel.ray_connection import connected

from ..helpers import parallel_items as items


def test_ray_is_asked_for_only_with_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    assert parallel_map(items.fail, [0, 1], workers=1, description="local") == [0, 1]
    with pytest.raises(
        EnvironmentFault, match=r"--cluster needs Ray: got no module ray; pip install .*'\.\[cluster\]'"
    ):
        parallel_map(items.fail, [0, 1], cluster="auto", description="cluster")


@pytest.mark.parametrize("address", ["somewhere", "host:", ":6379", "127.0.0.1:ray"])
def test_an_address_has_a_host_and_a_port(address: str) -> None:
    pytest.importorskip("ray", reason="Ray is not installed: pip install -c constraints.txt -e '.[cluster]'")
    with pytest.raises(EnvironmentFault, match=f"expected HOST:PORT or auto, got {address}"), connected(address):
        pass


def test_nothing_answers() -> None:
    pytest.importorskip("ray", reason="Ray is not installed: pip install -c constraints.txt -e '.[cluster]'")
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # and not listening
        address = f"127.0.0.1:{bound.getsockname()[1]}"
        for each in (address, f"ray://{address}"):
            with pytest.raises(EnvironmentFault, match=f"no Ray cluster at {each}: got .*refused"), connected(each):
                pass


MINE = Likeness("3.11.7", (("dataengine", "0.1.0"), ("torch", "2.13.0")), "ab" * 32, ("AVX2",))


@pytest.mark.parametrize(
    ("here", "line"),
    [
        (Likeness("3.11.8", MINE.packages, MINE.code, ()), "another Python: expected 3.11.7, got 3.11.8"),
        (Likeness("3.11.7", (("dataengine", "0.1.0"),), MINE.code, ()), "another torch: expected 2.13.0, got none"),
        (Likeness("3.11.7", MINE.packages, "cd" * 32, ()), "another code of dataengine: expected abab.*, got cdcd"),
    ],
)
def test_what_differs_on_a_node_is_refused(here: Likeness, line: str) -> None:
    with pytest.raises(EnvironmentFault, match=line):
        require_alike(here, MINE)


def test_another_processor_is_said() -> None:
    assert require_alike(MINE, MINE) == ()
    (note,) = require_alike(Likeness(MINE.python, MINE.packages, MINE.code, ("AVX512F",)), MINE)
    assert "results of networks may differ in their last bits" in note
