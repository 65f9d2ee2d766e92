"""FiftyOne and its database, opened quietly, with every fault as one line."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dataengine.errors import EnvironmentFault

_FIX = "run `make setup`, look at the database's log (~/.fiftyone/var/lib/mongo/log), or set FIFTYONE_DATABASE_URI"

PATIENCE_S = 30.0
"""A database that is slower than this to say that it is there is taken for gone."""


def open_fiftyone() -> Any:
    """Import FiftyOne, which starts its database, quietly and without telemetry.

    Raises:
        EnvironmentFault: FiftyOne is not installed, or its mongod is missing, does not run or cannot write.
    """
    os.environ.setdefault("FIFTYONE_DO_NOT_TRACK", "true")
    # set-up may have put in mongod 6.0, which this FiftyOne runs with but warns about at each start
    os.environ.setdefault("FIFTYONE_DATABASE_VALIDATION", "false")
    try:
        import fiftyone

        fiftyone.list_datasets()
    except ImportError as fault:
        raise EnvironmentFault("FiftyOne cannot be imported", got=str(fault), fix="run `make setup`") from fault
    except Exception as fault:  # its configuration, service and driver errors have no common base
        raise EnvironmentFault("FiftyOne's database does not start", got=fault_line(fault), fix=_FIX) from fault
    return fiftyone


def fault_line(fault: Exception) -> str:
    """What a driver's fault says in one line, without the description of servers and timeouts that follows it."""
    return " ".join(str(fault).split()).split(" (configured timeouts")[0].split(", Timeout:")[0][:200]


def is_answering(patience_s: float = PATIENCE_S) -> bool:
    """Whether the database that FiftyOne is connected to answers within the patience."""
    import pymongo
    from fiftyone.core.odm import get_db_conn
    from pymongo.errors import PyMongoError

    try:
        with pymongo.timeout(patience_s):
            get_db_conn().command("ping")
    except PyMongoError:
        return False
    return True


@contextmanager
def database_faults_as_one_line() -> Iterator[None]:
    """Turn a fault of the database inside the block, which may have gone down, into an `EnvironmentFault`."""
    from pymongo.errors import PyMongoError

    try:
        yield
    except PyMongoError as fault:
        raise EnvironmentFault("FiftyOne's database failed", got=fault_line(fault), fix=_FIX) from fault
