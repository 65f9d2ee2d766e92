"""The connection to a Ray cluster: `connected` opens it, or says in one line why it cannot.

Ray is imported here alone, and only where a cluster is named. It reports no usage from here, and nothing here starts a
cluster: whoever starts one decides what it listens on. Ray runs whatever code it is sent by those who reach its ports,
so they belong on a private network, with its tokens switched on.
"""

import logging
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from dataengine.errors import EnvironmentFault, install_extra

AUTO = "auto"
_SCHEME = "ray://"  # of an address for drivers that run outside of the cluster
_REACH_SECONDS = 10.0
_QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
# Else Ray takes this machine's address in the network for 127.0.0.1, and listens to everybody. Read while it is loaded.
_LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
_LOCAL_HOSTS = ("127.0.0.1", "localhost", "::1")
_HOW_TO_START = "start one with `ray start --head --include-dashboard=false`, or correct the address"


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """The module `ray`, connected to the cluster at `address`: ``HOST:PORT``, ``ray://HOST:PORT`` or ``auto``.

    A connection that is open already is used, and left open.

    Raises:
        EnvironmentFault: Ray is not installed, nothing answers, or what answers is of another Ray or Python.
    """
    is_local = address == AUTO or _host_and_port(address)[0] in _LOCAL_HOSTS
    ray = _imported(_QUIET | (_LOOPBACK if is_local else {}))
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


def _imported(settings: Mapping[str, str]) -> Any:
    os.environ.update({name: value for name, value in settings.items() if name not in os.environ})
    try:
        import ray
    except ImportError as error:
        fix = install_extra("cluster") + ", on every node"
        raise EnvironmentFault("--cluster needs Ray", got=f"no module {error.name}", fix=fix) from error
    return ray


def _host_and_port(address: str) -> tuple[str, int]:
    host, _, port = address.removeprefix(_SCHEME).rpartition(":")
    if not host or not port.isdigit():
        raise EnvironmentFault("--cluster is not an address", expected=f"HOST:PORT or {AUTO}", got=address)
    return host.strip("[]"), int(port)


def _reach(address: str) -> None:
    """Find out at once whether anything listens there; Ray itself would try for minutes."""
    try:
        socket.create_connection(_host_and_port(address), _REACH_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise EnvironmentFault(f"no Ray cluster at {address}", got=str(error), fix=_HOW_TO_START) from error
