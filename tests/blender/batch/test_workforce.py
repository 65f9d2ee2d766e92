"""Workers that fail, hang, die, cannot write or are stopped: real processes, with makers that need no Blender."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dataengine.blender.batch.workforce import Outcome, Terms, Workforce
from dataengine.errors import EnvironmentFault
from dataengine.files import atomic_path

pytestmark = pytest.mark.usefixtures("importable_by_workers")
TERMS = Terms(workers=2, image_timeout_s=60, images_per_worker=100)


class Notebook:
    """Writes a file for every image it is asked for, and fails as told."""

    def __init__(self, folder: Path, fails: dict[int, str]) -> None:
        self.folder, self.fails = folder, fails

    def make(self, index: int) -> None:
        tries = len(list(self.folder.glob(f"{index}.*")))
        (self.folder / f"{index}.{tries}").write_text(str(os.getpid()))
        failure = self.fails.get(index, "")
        if failure == "raise" or (failure == "raise once" and tries == 0):
            raise ValueError("bad scene")
        if failure == "die" or (failure == "die once" and tries == 0):
            os._exit(7)
        if failure == "hang" or (failure == "hang once" and tries == 0):
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})  # as deaf as Cycles
            time.sleep(300)
        if failure == "slow":
            time.sleep(0.4)
        if failure == "full disk":
            with atomic_path(self.folder / "image.png") as partial:
                partial.write_bytes(b"some of it")
                Path("/dev/full").write_bytes(b"the rest")


class Unbuildable:
    def __init__(self, how: str) -> None:
        if how == "die":
            os._exit(9)
        raise EnvironmentFault("no Blender here") if how == "fault" else KeyError("broken cache")

    def make(self, index: int) -> None: ...


def tries(folder: Path) -> dict[int, int]:
    """How often each image was begun."""
    begun = [int(path.stem) for path in folder.iterdir()]
    return {index: begun.count(index) for index in sorted(set(begun))}


def pids(folder: Path) -> set[int]:
    return {int(path.read_text()) for path in folder.iterdir()}


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that is dead and not yet waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_failure_is_retried_once_and_then_skipped_with_its_reason(tmp_path: Path) -> None:
    fails = {1: "raise", 2: "raise once", 3: "die", 4: "die once"}
    outcome = Outcome()
    made = list(Workforce(Notebook, (tmp_path, fails), TERMS).run(range(6), outcome))
    assert sorted(made) == list(range(6))
    assert set(outcome.skipped) == {1, 3}
    assert "bad scene" in outcome.skipped[1]
    assert "exit code 7" in outcome.skipped[3]
    assert tries(tmp_path) == {0: 1, 1: 2, 2: 2, 3: 2, 4: 2, 5: 1}


def test_a_hanging_image_is_ended_while_others_go_on(tmp_path: Path) -> None:
    fails = {0: "hang", 1: "hang once"} | dict.fromkeys(range(2, 12), "slow")
    outcome = Outcome()
    terms = Terms(workers=2, image_timeout_s=1.5, images_per_worker=100)
    made = list(Workforce(Notebook, (tmp_path, fails), terms).run(range(12), outcome))
    assert sorted(made) == list(range(12))
    assert outcome.skipped == {0: "took longer than 1.5 s"}
    assert tries(tmp_path) == {0: 2, 1: 2} | dict.fromkeys(range(2, 12), 1)
    assert not any(is_alive(pid) for pid in pids(tmp_path))


class Environment:
    def __init__(self, out: Path) -> None:
        self.out = out

    def make(self, index: int) -> None:
        self.out.write_text(os.environ["OMP_NUM_THREADS"] + os.environ["OPENBLAS_NUM_THREADS"])


def test_workers_have_one_thread_and_the_parent_keeps_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    list(Workforce(Environment, (tmp_path / "seen",), TERMS).run([0], Outcome()))
    assert (tmp_path / "seen").read_text() == "11"
    assert os.environ["OMP_NUM_THREADS"] == "5" and "OPENBLAS_NUM_THREADS" not in os.environ


def test_a_worker_is_replaced_after_its_share_of_images(tmp_path: Path) -> None:
    terms = Terms(workers=1, image_timeout_s=60, images_per_worker=3)
    assert list(Workforce(Notebook, (tmp_path, {}), terms).run(range(7), Outcome())) == list(range(7))
    by = [int((tmp_path / f"{index}.0").read_text()) for index in range(7)]
    assert len({*by[:3]}) == len({*by[3:6]}) == 1
    assert len({by[0], by[3], by[6]}) == 3


def test_a_full_disk_ends_the_run_with_one_line_and_nothing_half_written(tmp_path: Path) -> None:
    folder, outcome = tmp_path / "out", Outcome()
    folder.mkdir()
    fails = {3: "full disk"} | dict.fromkeys((4, 5), "slow")
    with pytest.raises(EnvironmentFault, match=r"cannot write .*image.png.*[Nn]o space left.*make room") as raised:
        list(Workforce(Notebook, (folder, fails), TERMS).run(range(40), outcome))
    assert "\n" not in str(raised.value)
    assert not [path for path in folder.iterdir() if "image" in path.name]
    assert len(tries(folder)) < 10
    assert not any(is_alive(pid) for pid in pids(folder))


@pytest.mark.parametrize(
    ("how", "reason"), [("fault", "no Blender here"), ("raise", "broken cache"), ("die", "exit code 9")]
)
def test_workers_that_cannot_start_end_the_run(how: str, reason: str) -> None:
    with pytest.raises(EnvironmentFault, match=reason):
        list(Workforce(Unbuildable, (how,), TERMS).run(range(50), Outcome()))


def test_a_signal_lets_running_images_finish_and_gives_out_no_more(tmp_path: Path) -> None:
    outcome = Outcome()
    threading.Timer(1.5, lambda: os.kill(os.getpid(), signal.SIGTERM)).start()
    before = signal.getsignal(signal.SIGTERM)
    made = list(Workforce(Notebook, (tmp_path, dict.fromkeys(range(30), "slow")), TERMS).run(range(30), outcome))
    assert outcome.stopped_by == signal.SIGTERM
    assert len(made) == len(list(tmp_path.iterdir())) < 30
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent died")
def test_ctrl_c_in_the_first_moment_is_no_broken_installation(tmp_path: Path) -> None:
    """A terminal sends it to the whole group: to workers as well that are still importing."""
    script = (
        "import os, signal, sys, threading\n"
        "from pathlib import Path\n"
        "from dataengine.blender.batch.workforce import Outcome, Terms, Workforce\n"
        f"from {__name__} import Notebook\n"
        "if __name__ == '__main__':\n"
        "    threading.Timer(float(sys.argv[2]), lambda: os.killpg(0, signal.SIGINT)).start()\n"
        "    outcome = Outcome()\n"
        "    crew = Workforce(Notebook, (Path(sys.argv[1]), {}), Terms(2, 60, 100))\n"
        "    list(crew.run(range(10**5), outcome))\n"
        "    print('stopped by', outcome.stopped_by)\n"
    )
    (tmp_path / "main.py").write_text(script)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    for seconds in ("0.05", "0.4"):
        folder = tmp_path / seconds
        folder.mkdir()
        command = [sys.executable, str(tmp_path / "main.py"), str(folder), seconds]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=120, env=environment, start_new_session=True
        )
        assert done.stdout == "stopped by 2\n", done.stderr
        assert "Traceback" not in done.stderr


def test_a_hanging_worker_does_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    program = f"""
from pathlib import Path
from dataengine.blender.batch.workforce import Outcome
from tests.blender.batch.test_workforce import TERMS, Notebook, Workforce
if __name__ == "__main__":
    list(Workforce(Notebook, (Path({str(tmp_path / "out")!r}), {{0: "hang"}}), TERMS).run([0], Outcome()))
"""
    (tmp_path / "out").mkdir()
    (tmp_path / "parent.py").write_text(program)
    root = str(Path(__file__).parents[3])
    parent = subprocess.Popen([sys.executable, str(tmp_path / "parent.py")], env=os.environ | {"PYTHONPATH": root})
    begun = tmp_path / "out" / "0.0"
    wait_for(lambda: begun.exists() and begun.read_text() != "")
    worker = int(begun.read_text())
    assert is_alive(worker)
    parent.kill()
    parent.wait()
    wait_for(lambda: not is_alive(worker))


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "nothing happened in time"
        time.sleep(0.05)
