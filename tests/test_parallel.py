import math
import pickle
from pathlib import Path

import pytest

from dataengine.errors import InputError
from dataengine.files import read_json, write_json
from dataengine.parallel import parallel_map


@pytest.mark.parametrize("workers", [1, 2])
def test_order_is_kept_for_any_number_of_workers(workers: int) -> None:
    found = parallel_map(math.factorial, range(9), workers=workers, description="factorial")
    assert found == [math.factorial(i) for i in range(9)]


def test_no_items_start_no_worker() -> None:
    assert parallel_map(math.factorial, [], description="factorial") == []


def test_a_workers_error_reaches_the_caller_whole(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", 1)
    with pytest.raises(InputError, match=r"none\.json does not exist; run the stage"):
        parallel_map(read_json, [tmp_path / "a.json", tmp_path / "none.json"], workers=2, description="read")


def test_errors_survive_pickling() -> None:
    error = pickle.loads(pickle.dumps(InputError("a", expected="b", got="c", fix="d")))
    assert (error.what, error.expected, error.got, error.fix) == ("a", "b", "c", "d")
