"""The map in processes of this machine; `test_ray.py` has the same on a cluster."""

import math
import pickle
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from dataengine.errors import EnvironmentFault, InputError
from dataengine.files import read_json, write_json
from dataengine.parallel.parallel_map import ATTEMPTS, parallel_map

from ..helpers import parallel_items as items


@pytest.mark.parametrize("workers", [1, 2])
def test_order_is_kept_for_any_number_of_workers(workers: int) -> None:
    seen: list[tuple[int, int]] = []
    found = parallel_map(
        math.factorial, range(9), workers=workers, description="factorial", each=lambda *both: seen.append(both)
    )
    assert found == [math.factorial(i) for i in range(9)]
    assert sorted(seen) == list(enumerate(found))


def test_no_items_start_no_worker() -> None:
    assert parallel_map(math.factorial, [], description="factorial") == []


def test_values_are_the_same_bits_as_here_and_may_be_written_to() -> None:
    found = parallel_map(items.draws, range(3), workers=2, description="draws")
    for seed, value in enumerate(found):
        assert value.tobytes() == items.draws(seed).tobytes()
        value += 1
    assert parallel_map(items.threads, [0, 1], workers=2, threads=3, description="threads") == [("3", "3")] * 2


@pytest.mark.parametrize("workers", [1, 2])
def test_a_workers_error_reaches_the_caller_whole_and_names_its_item(workers: int, tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", 1)
    files = [tmp_path / "a.json", tmp_path / "none.json"]
    with pytest.raises(InputError, match=r"^item 2 of 2: \S+none\.json does not exist; run the stage"):
        parallel_map(read_json, files, workers=workers, description="read")
    with pytest.raises(InputError, match=r"^\S+none\.json does not exist"):
        parallel_map(read_json, files, workers=workers, description="read", name=str)
    with pytest.raises(InputError, match=r"^\S+(a|none)\.json: no pictures; add some"):
        parallel_map(items.refuse, files, workers=workers, description="read", name=str)
    with pytest.raises(ZeroDivisionError, match="nothing to share") as caught:
        parallel_map(items.fail, range(5), workers=workers, description="fail", name=lambda number: f"share {number}")
    assert "share 3" in caught.value.__notes__


def test_an_error_that_cannot_travel_says_what_it_was() -> None:
    with pytest.raises(RuntimeError, match="Unportable: 1 and 2"):
        parallel_map(items.fail_unportably, range(2), workers=2, description="fail")


def test_errors_survive_pickling() -> None:
    error = pickle.loads(pickle.dumps(InputError("a", expected="b", got="c", fix="d")))
    assert (error.what, error.expected, error.got, error.fix) == ("a", "b", "c", "d")


def test_an_item_whose_worker_died_is_done_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [tmp_path / str(number) for number in range(3)]
    found = parallel_map(items.die_once, paths, workers=2, description="die", name=lambda path: f"file {path.name}")
    assert found == ["0", "1", "2"]
    lines = [line for line in capsys.readouterr().err.splitlines() if "done again" in line]
    assert len(lines) == 3
    assert any("die: file 1 is done again, its worker is lost: its process ended with exit code -9" in x for x in lines)


def test_an_item_that_kills_every_worker_ends_the_map() -> None:
    with pytest.raises(EnvironmentFault, match=f"item . of 2 cannot be done, {ATTEMPTS} workers died of it: got its"):
        parallel_map(items.die, range(2), workers=2, description="die")


@pytest.mark.parametrize("workers", [1, 2])
def test_each_item_is_done_once_and_its_result_told(workers: int, tmp_path: Path) -> None:
    told: dict[int, int] = {}
    square = partial(items.square, notes=tmp_path / "notes")
    found = parallel_map(square, range(5), workers=workers, description="square", each=told.__setitem__)
    assert found == [number * number for number in range(5)] == [told[index] for index in range(5)]
    assert sorted((tmp_path / "notes").read_text().splitlines()) == [f"done {number}" for number in range(5)]


def test_nothing_to_do_is_done() -> None:
    assert parallel_map(math.factorial, [], workers=2, description="nothing") == []


def test_a_worker_that_died_between_items_is_replaced() -> None:
    from dataengine.parallel.local_crew import LocalCrew

    with LocalCrew(pickle.dumps(math.factorial), count=1, threads=1) as crew:
        crew.give(0, pickle.dumps(3))
        (first,) = crew.collect()
        for _, process in crew._idle:
            process.kill()
            process.join()
        crew.give(1, pickle.dumps(4))
        (second,) = crew.collect()
    outcomes = [each.outcome for each in (first, second)]
    assert [pickle.loads(outcome).value for outcome in outcomes if isinstance(outcome, bytes)] == [6, 24]
    assert np.all([first.index == 0, second.index == 1])
