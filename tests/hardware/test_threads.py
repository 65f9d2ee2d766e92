"""OpenMP's threads: how long they wait, and where they run."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from dataengine.crops.training.loader import LoaderParams, prefetch
from dataengine.hardware import threads
from dataengine.hardware.threads import available_cores, one_core_each, wait_briefly

OPENMP = Path(torch.__file__).parent / "lib" / "libgomp.so.1"
ALL = set(threads._CORES)
several_cores = pytest.mark.skipif(available_cores() < 2, reason="one core alone: there is nothing to divide")


@pytest.fixture
def as_many_threads_as_cores(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """PyTorch's own number of threads, when nobody interferes."""
    for name in threads._PINNED_BY_USERS:
        monkeypatch.delenv(name, raising=False)
    before = torch.get_num_threads()
    torch.set_num_threads(available_cores())
    yield
    torch.set_num_threads(before)


def cores_of_threads() -> list[set[int]]:
    found = []
    for name in os.listdir("/proc/self/task"):  # noqa: PTH208
        try:
            found.append(os.sched_getaffinity(int(name)))
        except ProcessLookupError:  # it has ended meanwhile
            continue
    return found


def add_numbers() -> None:
    """An operation that PyTorch divides among all threads."""
    numbers = torch.ones(1_000_000)
    assert (numbers + numbers).sum().item() == 2_000_000


def test_what_a_user_has_set_stays() -> None:
    fresh: dict[str, str] = {}
    wait_briefly(fresh)
    assert fresh == {"GOMP_SPINCOUNT": str(threads.SPIN_ROUNDS)}
    for name, value in (("GOMP_SPINCOUNT", "7"), ("OMP_WAIT_POLICY", "active")):
        mine = {name: value}
        wait_briefly(mine)
        assert mine == {name: value}


def test_the_command_line_settles_it_before_openmp_is_loaded() -> None:
    code = (
        "import os, sys\n"
        "from dataengine import cli\n"
        "assert 'torch' not in sys.modules and 'numpy' not in sys.modules\n"
        "try: cli.main(['--help'])\n"
        "except SystemExit: pass\n"
        "assert 'torch' not in sys.modules\n"
        "print('spins', os.environ['GOMP_SPINCOUNT'])"
    )
    environment = {k: v for k, v in os.environ.items() if k not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert f"spins {threads.SPIN_ROUNDS}" in done.stdout


@several_cores
@pytest.mark.skipif(not OPENMP.is_file(), reason=f"PyTorch carries no {OPENMP.name}")
def test_each_thread_has_a_core_while_it_lasts(as_many_threads_as_cores: None) -> None:
    with one_core_each(OPENMP) as are_apart:
        assert are_apart
        add_numbers()
        alone = [cores for cores in cores_of_threads() if len(cores) == 1]
        assert set().union(*alone) == ALL, "every core has a thread"
        assert os.sched_getaffinity(0) == {min(ALL)}
        assert available_cores() == len(ALL)
        # what the loader's threads do is nobody's but the kernel's to place
        assert list(prefetch(lambda _: os.sched_getaffinity(0), range(3))) == [ALL] * 3
    assert os.sched_getaffinity(0) == ALL
    add_numbers()


@several_cores
def test_threads_are_let_go_after_a_fault(as_many_threads_as_cores: None) -> None:
    with pytest.raises(RuntimeError, match="a fault"), one_core_each(OPENMP):
        raise RuntimeError("a fault")
    assert os.sched_getaffinity(0) == ALL


def test_fewer_threads_than_cores_a_users_word_and_no_openmp_are_left_alone(
    as_many_threads_as_cores: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with one_core_each(tmp_path / "libgomp.so.1") as are_apart:
        assert not are_apart
    with monkeypatch.context() as patch:
        patch.setenv("OMP_PROC_BIND", "false")
        with one_core_each(OPENMP) as are_apart:
            assert not are_apart
    torch.set_num_threads(1)
    with one_core_each(OPENMP) as are_apart:
        assert not are_apart
        assert os.sched_getaffinity(0) == ALL


@pytest.mark.parametrize(
    ("workers", "device", "cores", "expected"),
    [
        (None, "cpu", 16, 1),
        (None, "cuda", 8, 7),
        (None, "cuda", 64, 16),
        (None, "cuda", 1, 1),
        (3, "cuda", 8, 3),
        (3, "cpu", 8, 3),
    ],
)
def test_threads_that_make_crops(
    workers: int | None, device: str, cores: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dataengine.crops.training.loader.available_cores", lambda: cores)
    assert LoaderParams(workers=workers).threads(device) == expected
