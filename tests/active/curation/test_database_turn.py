"""One process at a time at FiftyOne's database."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from dataengine.active.curation.database_turn import one_at_a_time
from dataengine.errors import EnvironmentFault

HOLD = """
from dataengine.active.curation.database_turn import one_at_a_time
with one_at_a_time():
    print("taken", flush=True)
    input()
"""


def test_a_turn_is_waited_for_and_freed_by_a_process_that_dies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # apart from the turns of whoever works here
    monkeypatch.setattr(tempfile, "tempdir", None)
    with subprocess.Popen(
        [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "taken\n"
        with pytest.raises(EnvironmentFault, match="another process"), one_at_a_time(patience_s=0.0):
            pass
        holder.kill()
        holder.wait()
    with one_at_a_time(patience_s=0.0):
        pass
