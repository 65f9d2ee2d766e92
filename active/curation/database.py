"""FiftyOne and its database, opened quietly, with every fault as one line."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dataengine.errors import EnvironmentFault

_FIX = "run `make setup`, look at the database's log (~/.fiftyone/var/lib/mongo/log), or set FIFTYONE_DATABASE_URI"


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
        raise EnvironmentFault("FiftyOne's database does not start", got=str(fault), fix=_FIX) from fault
    return fiftyone


@contextmanager
def database_faults_as_one_line() -> Iterator[None]:
    """Turn a fault of the database inside the block, which may have gone down, into an `EnvironmentFault`."""
    from pymongo.errors import PyMongoError

    try:
        yield
    except PyMongoError as fault:
        raise EnvironmentFault("FiftyOne's database failed", got=str(fault)[:300], fix=_FIX) from fault
