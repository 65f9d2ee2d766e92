"""A Python whose imports are done: each start of ``dataengine``, ``dvc`` or ``python -m`` forks from one server.

Starting a command costs seconds of imports and a round starts twenty commands. Here a small program of the same name,
first on PATH, hands its arguments, folder, environment and streams over to a server that has done the imports; that
forks a process of the caller's process group, which runs the command as ``python -m`` would. So a kill of the group
finds real processes doing real work, and a hundred rounds fit into minutes.

What fails silently: a thread that an import starts would not be in the forks, so the server refuses to begin with one
(ONNX Runtime's and FiftyOne's do, and are imported by each command itself).
"""

from __future__ import annotations

import array
import contextlib
import json
import os
import runpy
import shlex
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

NAMES = ("dataengine", "dvc", "python")
"""Programs that are put on PATH."""
THREADED = ("onnxruntime", "fiftyone")
"""Packages whose import starts a thread: each command imports them itself."""
_CALLER, _CALLING = (
    "caller.py",
    """
import json, os, socket, sys
request = {"words": sys.argv[2:], "cwd": os.getcwd(), "env": dict(os.environ), "group": os.getpgrp()}
with socket.socket(socket.AF_UNIX) as caller:
    caller.connect(sys.argv[1])
    socket.send_fds(caller, [json.dumps(request).encode() + b"\\n"], [0, 1, 2])
    sys.exit(int(caller.recv(16) or b"137"))
""",
)


def write_programs(folder: Path, address: Path) -> None:
    """Write the small programs into `folder`, which callers put first on PATH."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _CALLER).write_text(_CALLING)
    call = shlex.join([os.path.realpath(sys.executable), "-ISs", str(folder / _CALLER), str(address)])
    for name in NAMES:
        (folder / name).write_text(f'#!/bin/sh\nexec {call} {name} "$@"\n')
        (folder / name).chmod(0o755)


def serve(address: Path, programs: Path, needed: Path) -> None:
    """Import what `needed` lists, then fork for each caller until the process that started this one has ended.

    Forks add what they had to import themselves to the file `needed`, for the next server.
    """
    for name in needed.read_text().split() if needed.is_file() else ():
        with contextlib.suppress(Exception):  # some can only be imported by another, or not at all
            import_module(name)
    threads = len(list(Path("/proc/self/task").iterdir()))
    if threads > 1 or threading.active_count() > 1:
        raise RuntimeError(f"{threads} threads after the imports: forks would lack them")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # children are not waited for
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(address))
        server.listen(16)
        server.settimeout(1.0)
        parent = os.getppid()
        while os.getppid() == parent:
            try:
                caller, _ = server.accept()
            except TimeoutError:
                continue
            with caller:
                caller.settimeout(None)
                request, streams = _received(caller)
                if request is not None and os.fork() == 0:
                    server.close()
                    _run(caller, request, streams, programs, needed)
                for stream in streams:
                    os.close(stream)


def _received(caller: socket.socket) -> tuple[dict[str, Any] | None, list[int]]:
    """The request and three streams; None where the caller died before it had said all."""
    content, streams = b"", list[int]()
    while not content.endswith(b"\n"):
        part, handed, _, _ = caller.recvmsg(1 << 16, socket.CMSG_SPACE(3 * array.array("i").itemsize))
        for _, _, data in handed:
            streams += array.array("i", data).tolist()
        if not part:
            return None, streams
        content += part
    return json.loads(content), streams


def _run(caller: socket.socket, request: dict[str, Any], streams: list[int], programs: Path, needed: Path) -> None:
    """In the fork: become the command, and say its exit code to the caller."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        os.setpgid(0, request["group"])
    except (ProcessLookupError, PermissionError):  # the group has been killed
        os._exit(137)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    code, known = 1, set(sys.modules)
    try:
        code = _run_module(request["words"], programs)
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    _add(needed, (name for name in list(sys.modules) if name not in known))
    caller.sendall(str(code).encode())
    os._exit(code)


def _add(needed: Path, names: Iterable[str]) -> None:
    """Add modules to the list, in the order in which they were imported; one write, since forks run side by side."""
    kept = [name for name in names if name.split(".")[0] not in (*THREADED, "__main__", "__mp_main__")]
    with needed.open("a") as opened:
        opened.write("".join(f"{name}\n" for name in kept))


def _run_module(words: list[str], programs: Path) -> int:
    name, *rest = words
    if name == "python":
        if rest[:1] != ["-m"]:
            raise ValueError(f"this python runs modules only, not {rest[:3]}")
        name, *rest = rest[1:]
    sys.argv = [name, *rest]
    sys.executable = str(programs / "python")  # what the command starts by it starts here, too
    try:
        runpy.run_module(name, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    serve(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
