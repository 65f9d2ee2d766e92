"""The ledger of rounds: one record a selection, however often it is entered, and none that anybody changed."""

import hashlib
import json
import threading
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataengine.errors import InputError
from dataengine.rounds.asked import AskedRound, enter_round, read_rounds

CHOICE = {"strategy": "herding", "budget": 2, "student_sha256": "a" * 64}


def digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def enter(folder: Path, name: str, **choice: Any) -> AskedRound:
    picks = {digest(f"{name} {rank}"): {"rank": rank, "why": "ä reason", "cost": 0.1} for rank in range(2)}
    return enter_round(folder, selection_sha256=digest(name), choice={**CHOICE, **choice}, picks=picks)


@settings(max_examples=25)
@given(names=st.lists(st.sampled_from("abcdef"), max_size=12))
def test_each_selection_is_one_record_in_the_order_of_its_first_entry(names: list[str]) -> None:
    with TemporaryDirectory() as made:
        folder = Path(made)
        for name in names:
            enter(folder, name)
        before = {path: path.read_bytes() for path in folder.iterdir()}
        for name in reversed(names):
            enter(folder, name)
        assert {path: path.read_bytes() for path in folder.iterdir()} == before, "nothing is written again"
        first = list(dict.fromkeys(names))
        rounds = read_rounds(folder)
        assert [asked.selection_sha256 for asked in rounds] == [digest(name) for name in first]
        assert [asked.number for asked in rounds] == list(range(1, len(first) + 1))


def test_what_was_entered_is_read_back(tmp_path: Path) -> None:
    entered = enter(tmp_path / "rounds", "a", budget=7)
    assert read_rounds(tmp_path / "rounds") == [entered]
    assert entered.choice["budget"] == 7 and entered.budget == "7" and list(entered.picks.values())[1]["rank"] == 1
    assert read_rounds(tmp_path / "nowhere") == []


def test_two_at_once_take_turns(tmp_path: Path) -> None:
    threads = [threading.Thread(target=enter, args=(tmp_path, name)) for name in "abcdabcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [asked.number for asked in read_rounds(tmp_path)] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda text: text.replace('"budget": 2', '"budget": 3'), "was changed after it was written; bring it back"),
        (lambda text: text.replace('"number": 1', '"number": 9'), "was changed after it was written"),
        (lambda text: text[:40], "cannot be read"),
        (lambda text: json.dumps({"format": "dataengine.labels/1"}), "is not a record of select"),
        (lambda text: "[]", "is not a record of select"),
    ],
)
def test_a_damaged_record_is_one_line_and_nothing_is_written(tmp_path: Path, change: Any, says: str) -> None:
    enter(tmp_path, "a")
    (path,) = tmp_path.iterdir()
    damaged = change(path.read_text())
    path.write_text(damaged)
    for again in ("a", "b"):
        with pytest.raises(InputError, match=says) as caught:
            enter(tmp_path, again)
        assert path.name in str(caught.value) and "\n" not in str(caught.value)
    assert path.read_text() == damaged and list(tmp_path.iterdir()) == [path]


def test_a_record_under_another_name_is_refused(tmp_path: Path) -> None:
    enter(tmp_path, "a")
    (path,) = tmp_path.iterdir()
    path.rename(tmp_path / "0123456789ab.json")
    with pytest.raises(InputError, match="was changed"):
        read_rounds(tmp_path)
