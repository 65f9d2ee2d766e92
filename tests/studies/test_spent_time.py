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
    spent = seconds()
    assert spent == pytest.approx(read_json(path)["seconds"], abs=0.006) and spent >= first + 0.04  # rounded on disk
    time.sleep(0.02)
    assert seconds() == spent, "what comes after the block is not counted"


def test_a_killed_call_has_left_what_it_had_spent(tmp_path: Path) -> None:
    path = tmp_path / "seconds.json"
    with spent_time(path, every_s=0.01):
        deadline = time.monotonic() + 5
        while not path.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert read_json(path)["seconds"] > 0


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "seconds.json"
    for damaged in ("{", "12.5", '{"hours": 1}', '{"seconds": "1"}'):
        path.write_text(damaged)
        with pytest.raises(InputError, match=r"seconds\.json"), spent_time(path):
            pass
