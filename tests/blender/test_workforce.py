"""Workers that fail, die or are stopped; with makers that need no Blender."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from dataengine.blender.workforce import Outcome, Workforce

pytestmark = pytest.mark.usefixtures("importable_by_workers")


class Notebook:
    """Writes a file for every image it is asked for, and fails as told."""

    def __init__(self, folder: Path, fails: dict[int, str]) -> None:
        self.folder, self.fails = folder, fails

    def make(self, index: int) -> None:
        tries = len(list(self.folder.glob(f"{index}.*")))
        (self.folder / f"{index}.{tries}").touch()
        failure = self.fails.get(index, "")
        if failure == "raise" or (failure == "raise once" and tries == 0):
            raise ValueError("bad scene")
        if failure == "die" or (failure == "die once" and tries == 0):
            os._exit(7)
        if failure == "slow":
            time.sleep(0.4)


def test_a_failure_is_retried_once_and_then_skipped_with_its_reason(tmp_path: Path) -> None:
    fails = {1: "raise", 2: "raise once", 3: "die", 4: "die once"}
    outcome = Outcome()
    made = list(Workforce(Notebook, (tmp_path, fails), 2).run(range(6), outcome))
    assert sorted(made) == list(range(6))
    assert set(outcome.skipped) == {1, 3}
    assert "bad scene" in outcome.skipped[1]
    assert "exit code 7" in outcome.skipped[3]
    assert {index: len(list(tmp_path.glob(f"{index}.*"))) for index in range(6)} == {0: 1, 1: 2, 2: 2, 3: 2, 4: 2, 5: 1}


def test_a_signal_lets_running_images_finish_and_gives_out_no_more(tmp_path: Path) -> None:
    outcome = Outcome()
    threading.Timer(1.5, lambda: os.kill(os.getpid(), signal.SIGTERM)).start()
    before = signal.getsignal(signal.SIGTERM)
    made = list(Workforce(Notebook, (tmp_path, dict.fromkeys(range(30), "slow")), 2).run(range(30), outcome))
    assert outcome.stopped_by == signal.SIGTERM
    assert len(made) == len(list(tmp_path.iterdir())) < 30
    assert signal.getsignal(signal.SIGTERM) is before
