import errno
import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors import SafetensorError

from dataengine.errors import EnvironmentFault
from dataengine.files import atomic_path, fresh_folder, read_json, scratch_folder, write_json

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


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full to stand for a full disk")
def test_a_full_disk_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match="No space left"), atomic_path(tmp_path / "a.bin"):
        descriptor = os.open("/dev/full", os.O_WRONLY)
        try:
            os.write(descriptor, b"x" * 10)
        finally:
            os.close(descriptor)


@pytest.mark.parametrize(
    "error",
    [
        SafetensorError("I/O error: No space left on device (os error 28)"),
        OSError("Not enough free space to write 240 bytes after offset 128"),
        OSError("30 requested and 12 written"),
        OSError(errno.EFBIG, "File too large"),
    ],
    ids=["safetensors", "numpy", "numpy, late", "file system"],
)
def test_what_libraries_raise_on_a_full_disk_is_the_same_line(tmp_path: Path, error: Exception) -> None:
    with pytest.raises(EnvironmentFault, match=r"cannot write .* make room"), fresh_folder(tmp_path / "out"):
        raise error
    with pytest.raises(EnvironmentFault, match=r"cannot write .* make room"), atomic_path(tmp_path / "a.bin"):
        try:
            raise error
        finally:  # as torch does while it ends the file
            raise RuntimeError("unexpected pos 704 vs 598")
    assert not list(tmp_path.iterdir())


def test_a_limit_on_the_size_of_files_is_one_line_whoever_writes(tmp_path: Path) -> None:
    script = """
import resource, sys
from pathlib import Path
import numpy as np, torch
from safetensors.torch import save_file
from dataengine.errors import EnvironmentFault
from dataengine.files import atomic_path
from train.fit.state import FitState, save_state
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
many, out = {"w": torch.zeros(300_000)}, Path(sys.argv[1])
def save(write):
    with atomic_path(out / "a") as partial:
        write(partial)
for write in (
    lambda: save_state(out / "fit", FitState("x", 1, many, many, {}, [])),
    lambda: save(lambda path: save_file(many, path)),
    lambda: save(lambda path: np.savez(path.open("wb"), many["w"].numpy())),
):
    try:
        write()
    except EnvironmentFault as fault:
        assert "cannot write" in str(fault), fault
    else:
        raise AssertionError
assert not [path for path in out.rglob("*") if path.is_file()]
"""
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_a_read_only_disk_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There even removing a file that is not there fails, and so does making a folder."""

    def refuse(path: Path, *_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(EnvironmentFault, match=r"cannot write .*Read-only.*; make room"), atomic_path(tmp_path / "a"):
        refuse(tmp_path / "a")
    monkeypatch.setattr(Path, "mkdir", refuse)
    for manager in (atomic_path, fresh_folder):
        with pytest.raises(EnvironmentFault, match=r"cannot write .*Read-only.*; make room"), manager(tmp_path / "b/a"):
            pass


def test_a_scratch_folder_goes_whatever_ends_it(tmp_path: Path) -> None:
    path = tmp_path / ".fetched.partial"
    killed("scratch_folder", "(partial / 'half').write_text('half')", path)
    assert (path / "half").exists(), "a killed process clears nothing"
    with pytest.raises(RuntimeError), scratch_folder(path) as folder:
        assert folder == path and not list(folder.iterdir())
        with pytest.raises(EnvironmentFault, match="another process is writing"), scratch_folder(path):
            pass
        raise RuntimeError
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_one_line_where_a_whole_tree_is_copied(tmp_path: Path) -> None:
    (tmp_path / "from").mkdir()
    (tmp_path / "from" / "a").write_bytes(bytes(9000))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(EnvironmentFault) as raised, fresh_folder(tmp_path / "to") as folder:
            shutil.copytree(tmp_path / "from", folder / "deep")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert str(raised.value).startswith(f"cannot write {tmp_path / 'to'}: got [Errno 27] File too large")
    with pytest.raises(shutil.Error), fresh_folder(tmp_path / "to"):
        raise shutil.Error([("a", "b", "is a named pipe")])
    with pytest.raises(shutil.SameFileError), fresh_folder(tmp_path / "to"):
        shutil.copyfile(tmp_path / "from" / "a", tmp_path / "from" / "a")


def test_a_fault_in_a_draft_names_the_file_that_was_to_be(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(EnvironmentFault) as raised, fresh_folder(out) as draft, atomic_path(draft / "deep/a.json"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert str(raised.value).startswith(f"cannot write {tmp_path / 'out/deep/a.json'}: got [Errno 28] No space")
    with pytest.raises(EnvironmentFault, match=r"^cannot write /elsewhere"), fresh_folder(tmp_path / "out"):
        raise EnvironmentFault("cannot write /elsewhere")


def test_a_missing_input_is_not_mistaken_for_a_full_disk(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"absent\.mp4"), fresh_folder(tmp_path / "out"):
        (tmp_path / "absent.mp4").read_bytes()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(EnvironmentFault, match="Permission denied"), atomic_path(tmp_path / "locked" / "a"):
        pass


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


def test_a_link_stays_and_what_it_leads_to_is_replaced(tmp_path: Path) -> None:
    large, link = tmp_path / "disk" / "out", tmp_path / "out"
    large.mkdir(parents=True)
    (large / "old").write_text("old")
    link.symlink_to(large)
    with fresh_folder(link) as draft:
        assert draft.parent == large.parent, "on the disk that the link leads to"
        (draft / "new").write_text("new")
    assert link.is_symlink()
    assert [path.name for path in large.iterdir()] == ["new"]
    assert [path.name for path in large.parent.iterdir()] == ["out"]


def test_a_mount_point_is_refused_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It could be cleared but not replaced."""
    (tmp_path / "old").write_text("old")
    monkeypatch.setattr(Path, "is_mount", lambda path: path == tmp_path)
    with pytest.raises(EnvironmentFault, match=r"mount point.*; name a folder inside it"), fresh_folder(tmp_path):
        raise AssertionError
    assert (tmp_path / "old").read_text() == "old"


def test_the_former_folder_goes_only_once_the_new_one_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "out"
    with fresh_folder(target) as draft:
        (draft / "old").write_text("old")
    rmtree, seen = shutil.rmtree, []

    def clear(path: Path, ignore_errors: bool = False) -> None:
        seen.append((target / "new").exists())
        rmtree(path, ignore_errors)

    with fresh_folder(target) as draft:
        (draft / "new").write_text("new")
        monkeypatch.setattr(shutil, "rmtree", clear)
    assert seen == [True]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_swap_that_was_killed_is_ended_by_the_next_run(tmp_path: Path) -> None:
    """Between two renames the former folder has another name: it comes back, and stays where the next run fails."""
    (tmp_path / ".out.former.partial").mkdir()
    (tmp_path / ".out.former.partial" / "old").write_text("old")
    (tmp_path / ".out.partial").mkdir()
    with pytest.raises(RuntimeError), fresh_folder(tmp_path / "out"):
        raise RuntimeError
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["old"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
