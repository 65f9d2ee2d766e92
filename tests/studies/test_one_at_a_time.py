"""A second process does not work on the folder of a study; one that was killed holds nothing."""

import subprocess
import sys
from pathlib import Path

import pytest

from dataengine.errors import EnvironmentFault
from dataengine.studies.one_at_a_time import one_at_a_time

HOLD = (
    "import sys, time; from pathlib import Path; from dataengine.studies.one_at_a_time import one_at_a_time\n"
    "with one_at_a_time(Path(sys.argv[1])):\n    print('held', flush=True)\n    time.sleep(60)"
)


def test_a_folder_is_one_process_s_until_it_dies(tmp_path: Path) -> None:
    report = tmp_path / "reports" / "study"
    other = subprocess.Popen([sys.executable, "-c", HOLD, str(report)], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout is not None and other.stdout.readline() == "held\n"
        with pytest.raises(EnvironmentFault, match=r"another process works on .*study; wait"), one_at_a_time(report):
            pass
    finally:
        other.kill()
        other.communicate()
    with one_at_a_time(report), one_at_a_time(tmp_path / "another"):
        assert report.is_dir()
