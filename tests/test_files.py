import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dataengine.errors import EnvironmentFault, InputError
from dataengine.files import RepeatedKeys, atomic_path, bounded_memory, fresh_folder, read_json, write_json

KILLED_INSIDE = """
import os, signal, sys
from pathlib import Path
from dataengine.files import {manager}
with {manager}(Path(sys.argv[1])) as partial:
    {write}
    os.kill(os.getpid(), signal.SIGKILL)
"""


def killed(manager: str, write: str, target: Path) -> None:
    script = KILLED_INSIDE.format(manager=manager, write=write)
    done = subprocess.run([sys.executable, "-c", script, str(target)], timeout=60)
    assert done.returncode == -signal.SIGKILL


def test_kill_inside_atomic_path_keeps_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    write_json(target, {"old": 1})
    killed("atomic_path", "partial.write_text('half')", target)
    assert read_json(target) == {"old": 1}


def test_kill_inside_fresh_folder_keeps_the_old_folder_and_the_rerun_finishes(tmp_path: Path) -> None:
    target = tmp_path / "stage"
    with fresh_folder(target) as partial:
        (partial / "old.txt").write_text("old")
    killed("fresh_folder", "(partial / 'half.txt').write_text('half')", target)
    assert [p.name for p in target.iterdir()] == ["old.txt"]
    with fresh_folder(target) as partial:
        assert not list(partial.iterdir()), "what a killed run left is cleared"
        (partial / "new.txt").write_text("new")
    assert [p.name for p in target.iterdir()] == ["new.txt"]
    assert [p.name for p in tmp_path.iterdir()] == ["stage"]


def test_an_error_inside_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), atomic_path(tmp_path / "a.txt") as partial:
        partial.write_text("half")
        raise RuntimeError
    with pytest.raises(RuntimeError), fresh_folder(tmp_path / "b"):
        raise RuntimeError
    assert not list(tmp_path.iterdir())


def test_nan_is_not_json(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Out of range"):
        write_json(tmp_path / "a.json", {"x": float("nan")})
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full to stand for a full disk")
def test_a_full_disk_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match="No space left"), atomic_path(tmp_path / "a.bin"):
        descriptor = os.open("/dev/full", os.O_WRONLY)
        try:
            os.write(descriptor, b"x" * 10)
        finally:
            os.close(descriptor)


def test_a_missing_input_is_not_mistaken_for_a_full_disk(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"absent\.mp4"), fresh_folder(tmp_path / "out"):
        (tmp_path / "absent.mp4").read_bytes()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(EnvironmentFault, match="Permission denied"), atomic_path(tmp_path / "locked" / "a"):
        pass


def test_json_of_others_is_read_within_bounds(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"a": [NaN, 1e999, %s, 12], "b": 1}' % ("7" * 6000))
    nan, beyond, huge, plain = read_json(tmp_path / "a.json")["a"]
    assert nan != nan
    assert beyond == huge == float("inf")
    assert plain == 12
    assert isinstance(plain, int)
    (tmp_path / "b.json").write_text('{"a": {"x": 1, "x": 2}, "b": {"x": 1}}')
    document = read_json(tmp_path / "b.json")
    assert [type(document[name]) for name in "ab"] == [RepeatedKeys, dict]
    for name, largest, message in (("b.json", 10, "too large"), (".", 10, "cannot be read")):
        with pytest.raises(InputError, match=message):
            read_json(tmp_path / name, largest_bytes=largest)


def test_memory_is_bounded_inside_the_block_only() -> None:
    with pytest.raises(MemoryError), bounded_memory(64 * 1024**2):
        bytearray(1024**3)
    assert len(bytearray(1024**3)) == 1024**3


def test_a_tighter_limit_of_the_users_stays() -> None:
    script = """
import resource
from dataengine.files import bounded_memory
limits = (3 << 30, 4 << 30)
resource.setrlimit(resource.RLIMIT_AS, limits)
with bounded_memory(1 << 40):
    assert resource.getrlimit(resource.RLIMIT_AS) == limits
with bounded_memory(1 << 20):
    assert resource.getrlimit(resource.RLIMIT_AS)[0] < limits[0]
assert resource.getrlimit(resource.RLIMIT_AS) == limits
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_a_folder_is_written_by_one_process_at_a_time(tmp_path: Path) -> None:
    """The other one gets an error, and neither draft nor result of the first is touched; a dead one's draft goes."""
    (tmp_path / ".out.partial").mkdir()
    (tmp_path / ".out.partial" / "left").write_text("by a process that was killed")
    with fresh_folder(tmp_path / "out") as draft:
        assert list(draft.iterdir()) == []
        (draft / "a").write_text("first")
        with (
            pytest.raises(EnvironmentFault, match="another process is writing"),
            fresh_folder(tmp_path / "out"),
        ):
            pass
        assert (draft / "a").read_text() == "first"
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a"]
    with fresh_folder(tmp_path / "out") as draft:
        (draft / "b").write_text("second")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["b"]
