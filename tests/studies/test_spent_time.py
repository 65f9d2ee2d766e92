"""What a trial has taken, over calls."""

import time
from pathlib import Path

import pytest

from dataengine.errors import InputError
from dataengine.files import read_json
from dataengine.studies.spent_time import spent_time


def test_later_calls_count_the_earlier_ones(tmp_path: Path) -> None:
    path = tmp_path / "trial" / "seconds.json"
    with pytest.raises(KeyboardInterrupt), spent_time(path):
        time.sleep(0.1)
        raise KeyboardInterrupt
    first = read_json(path)["seconds"]
    assert first >= 0.1
    with spent_time(path) as seconds:
        assert first <= seconds() < first + 5
        time.sleep(0.05)
    assert seconds() >= read_json(path)["seconds"] >= first + 0.04  # seconds on disk are rounded


def test_a_killed_call_has_left_what_it_had_spent(tmp_path: Path) -> None:
    path = tmp_path / "seconds.json"
    with spent_time(path, every_s=0.01):
        deadline = time.monotonic() + 5
        while not path.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert read_json(path)["seconds"] > 0


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "seconds.json"
    path.write_text("{")
    with pytest.raises(InputError, match=r"seconds\.json"), spent_time(path):
        pass
