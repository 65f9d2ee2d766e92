"""The messages between a worker and its parent: one JSON object each, over a pair of connected sockets.

`multiprocessing.connection.Connection` prefixes every message with its length and notices when the other end dies. Only
its bytes are used and none of its pickles, so the two ends may be different Pythons.

| from | message | meaning |
|---|---|---|
| parent | ``{"index": 7}`` | make image 7; at the first message the worker also builds its maker |
| worker | ``{"kind": "started"}`` | the maker is built |
| worker | ``{"kind": "made", "value": ...}`` | done, with what the maker returned |
| worker | ``{"kind": "failed", "reason": "..."}`` | this image cannot be made |
| worker | ``{"kind": "fault", "what": ..., "expected": ..., "got": ..., "fix": ...}`` | nothing can be made here |
"""

import json
from multiprocessing.connection import Connection
from typing import Any

from dataengine.errors import EnvironmentFault

Message = dict[str, Any]


def send(pipe: Connection, message: Message) -> None:
    """Send one message; `OSError` if the other end is gone, `TypeError` if JSON cannot carry it."""
    pipe.send_bytes(json.dumps(message).encode("utf-8"))


def receive(pipe: Connection) -> Message:
    """Wait for one message; `EOFError` or `OSError` if the other end is gone."""
    message: Message = json.loads(pipe.recv_bytes())
    return message


def fault_message(fault: EnvironmentFault) -> Message:
    """The message that carries a fault of the machine to the parent."""
    return {"kind": "fault", "what": fault.what, "expected": fault.expected, "got": fault.got, "fix": fault.fix}


def fault_of(message: Message) -> EnvironmentFault:
    """The fault that a worker reported."""
    return EnvironmentFault(message["what"], expected=message["expected"], got=message["got"], fix=message["fix"])
