"""Workers that fail, hang, die, cannot write or are stopped: real processes, with makers that need no Blender."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dataengine.blender.batch.workforce import Outcome, Terms, Workforce
from dataengine.blender.workers.job import Job
from dataengine.errors import EnvironmentFault

MAKERS = Path(__file__).parents[1] / "workers"
TERMS = Terms(workers=2, image_timeout_s=60, images_per_worker=100)


def crew(maker: str, terms: Terms, **arguments: Any) -> Workforce:
    """Workers of this very Python, which need nothing installed."""
    return Workforce(Path(sys.executable), Job(f"worker_makers:{maker}", arguments), terms, search=(MAKERS,))


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
    fails = [(1, "raise"), (2, "raise once"), (3, "die"), (4, "die once")]
    outcome = Outcome()
    made = list(crew("Notebook", TERMS, folder=tmp_path, fails=fails).run(range(6), outcome))
    assert sorted(made) == list(range(6))
    assert set(outcome.skipped) == {1, 3}
    assert "bad scene" in outcome.skipped[1]
    assert "exit code 7" in outcome.skipped[3]
    assert tries(tmp_path) == {0: 1, 1: 2, 2: 2, 3: 2, 4: 2, 5: 1}


def test_a_hanging_image_is_ended_while_others_go_on(tmp_path: Path) -> None:
    fails = [(0, "hang"), (1, "hang once"), *((index, "slow") for index in range(2, 12))]
    outcome = Outcome()
    terms = Terms(workers=2, image_timeout_s=1.5, images_per_worker=100)
    made = list(crew("Notebook", terms, folder=tmp_path, fails=fails).run(range(12), outcome))
    assert sorted(made) == list(range(12))
    assert outcome.skipped == {0: "took longer than 1.5 s"}
    assert tries(tmp_path) == {0: 2, 1: 2} | dict.fromkeys(range(2, 12), 1)
    assert not any(is_alive(pid) for pid in pids(tmp_path))


def test_a_worker_is_replaced_after_its_share_of_images(tmp_path: Path) -> None:
    terms = Terms(workers=1, image_timeout_s=60, images_per_worker=3)
    assert list(crew("Notebook", terms, folder=tmp_path, fails=[]).run(range(7), Outcome())) == list(range(7))
    by = [int((tmp_path / f"{index}.0").read_text()) for index in range(7)]
    assert len({*by[:3]}) == len({*by[3:6]}) == 1
    assert len({by[0], by[3], by[6]}) == 3


def test_a_full_disk_ends_the_run_with_one_line_and_nothing_half_written(tmp_path: Path) -> None:
    folder, outcome = tmp_path / "out", Outcome()
    folder.mkdir()
    fails = [(3, "full disk"), (4, "slow"), (5, "slow")]
    with pytest.raises(EnvironmentFault, match=r"cannot write .*image.png.*[Nn]o space left.*make room") as raised:
        list(crew("Notebook", TERMS, folder=folder, fails=fails).run(range(40), outcome))
    assert "\n" not in str(raised.value)
    assert not [path for path in folder.iterdir() if "image" in path.name]
    assert len(tries(folder)) < 10
    assert not any(is_alive(pid) for pid in pids(folder))


@pytest.mark.parametrize(
    ("how", "reason"), [("fault", "no Blender here"), ("raise", "broken cache"), ("die", "exit code 9")]
)
def test_workers_that_cannot_start_end_the_run(how: str, reason: str) -> None:
    with pytest.raises(EnvironmentFault, match=reason):
        list(crew("Unbuildable", TERMS, how=how).run(range(50), Outcome()))


def test_a_signal_lets_running_images_finish_and_gives_out_no_more(tmp_path: Path) -> None:
    outcome, slow = Outcome(), [(index, "slow") for index in range(30)]
    threading.Timer(1.5, lambda: os.kill(os.getpid(), signal.SIGTERM)).start()
    before = signal.getsignal(signal.SIGTERM)
    made = list(crew("Notebook", TERMS, folder=tmp_path, fails=slow).run(range(30), outcome))
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
        "from dataengine.blender.workers.job import Job\n"
        "if __name__ == '__main__':\n"
        "    threading.Timer(float(sys.argv[2]), lambda: os.killpg(0, signal.SIGINT)).start()\n"
        "    outcome = Outcome()\n"
        "    job = Job('worker_makers:Notebook', {'folder': sys.argv[1], 'fails': []})\n"
        f"    search = (Path({str(MAKERS)!r}),)\n"
        "    crew = Workforce(Path(sys.executable), job, Terms(2, 60, 100), search=search)\n"
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
import sys
from pathlib import Path
from dataengine.blender.batch.workforce import Outcome, Terms, Workforce
from dataengine.blender.workers.job import Job
job = Job("worker_makers:Notebook", {{"folder": {str(tmp_path / "out")!r}, "fails": [(0, "hang")]}})
crew = Workforce(Path(sys.executable), job, Terms(1, 60, 100), search=(Path({str(MAKERS)!r}),))
list(crew.run([0], Outcome()))
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
