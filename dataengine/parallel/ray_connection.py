"""The connection to a Ray cluster: `connected` opens it, or says in one line why it cannot.

Ray is imported here alone, and only where a cluster is named. It reports no usage from here, and nothing here starts a
cluster: whoever starts one decides what it listens on. Ray runs whatever code it is sent by those who reach its ports,
so they belong on a private network, with its tokens switched on.
"""

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dataengine.errors import EnvironmentFault

AUTO = "auto"
_SCHEME = "ray://"  # of an address for drivers that run outside of the cluster
_REACH_SECONDS = 10.0
_QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
_HOW_TO_START = "start one with `ray start --head --include-dashboard=false`, or correct the address"


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """The module `ray`, connected to the cluster at `address`: ``HOST:PORT``, ``ray://HOST:PORT`` or ``auto``.

    A connection that is open already is used, and left open.

    Raises:
        EnvironmentFault: Ray is not installed, nothing answers, or what answers is of another Ray or Python.
    """
    ray = _imported()
    if ray.is_initialized():
        yield ray
        return
    if address != AUTO:
        _reach(address)
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
        got = " ".join(str(error).split())[:300]
        raise EnvironmentFault(f"no Ray cluster at {address}", got=got, fix=_HOW_TO_START) from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _imported() -> Any:
    os.environ.update({name: value for name, value in _QUIET.items() if name not in os.environ})
    try:
        import ray
    except ImportError as error:
        fix = "pip install 'dataengine[cluster]' on every node"
        raise EnvironmentFault("--cluster needs Ray", got=f"no module {error.name}", fix=fix) from error
    return ray


def _reach(address: str) -> None:
    """Find out at once whether anything listens there; Ray itself would try for a minute."""
    host, _, port = address.removeprefix(_SCHEME).rpartition(":")
    if not host or not port.isdigit():
        raise EnvironmentFault("--cluster is not an address", expected=f"HOST:PORT or {AUTO}", got=address)
    try:
        socket.create_connection((host.strip("[]"), int(port)), _REACH_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise EnvironmentFault(f"no Ray cluster at {address}", got=str(error), fix=_HOW_TO_START) from error
