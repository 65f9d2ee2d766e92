"""What a killed process leaves behind: drafts, locks, copies."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from dataengine.doctor.project_state import left_behind
from dataengine.doctor.project_state.kept import Kept, processes_in
from dataengine.files import atomic_path, fresh_folder
from dataengine.labels.label_store import read_store
from dataengine.rounds.asked import read_rounds

from .kept_project import put_right


@pytest.mark.parametrize("write", [atomic_path, fresh_folder])
def test_the_drafts_of_a_killed_process_are_found(kept: Kept, write: Callable[[Path], object]) -> None:
    """Made as the code itself makes them, and by a process that is killed in the middle."""
    target = kept.labels / "0123456789ab.json" if write is atomic_path else kept.root / "models" / "fit-teacher"
    code = (
        "import os, signal, sys, pathlib\n"
        f"from dataengine.files import {write.__name__} as write\n"  # type: ignore[attr-defined]
        "with write(pathlib.Path(sys.argv[1])) as draft:\n"
        "    (draft / 'a' if draft.is_dir() else draft).write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(target)], check=False)
    resume, own = kept.root / "models/fit-teacher.resume", kept.root / "data/films/.partial/.state.1.partial.npz"
    for path in (resume / "state.pt", own):
        path.parent.mkdir(parents=True)
        path.write_text("goes on from here")
    assert len(read_store(kept.labels)) == 1 and read_rounds(kept.rounds), "readers pass over drafts"
    (draft,) = left_behind.drafts(kept.root)
    assert "partial" in draft.name
    put_right(left_behind.check_drafts(kept))
    assert list(left_behind.drafts(kept.root)) == []
    assert (resume / "state.pt").exists() and own.exists()


def test_nothing_is_removed_while_somebody_works(kept: Kept, tmp_path: Path) -> None:
    (tmp_path / "dvc").write_text("import time; time.sleep(600)")
    (kept.labels / ".0123.4711.partial.json").write_text("half")
    with subprocess.Popen([sys.executable, str(tmp_path / "dvc")], cwd=kept.labels) as process:
        try:
            workers = processes_in(kept.root)
        finally:
            process.kill()
    assert len(workers) == 1 and str(process.pid) in workers[0]
    busy = replace(kept, workers=tuple(workers))
    assert [each.repair for each in left_behind.check_drafts(busy)] == [None]
    assert len(list(left_behind.check_workers(busy))) == 1


def test_locks_that_stop_git_and_dvc(kept: Kept) -> None:
    git_lock, rwlock = kept.root / ".git/index.lock", kept.root / ".dvc/tmp/rwlock"
    git_lock.write_text("")
    assert list(left_behind.check_git_locks(kept)) == [], "git may be at work"
    old = time.time() - 2 * left_behind.LOCK_AGE_S
    os.utime(git_lock, (old, old))
    assert len(put_right(left_behind.check_git_locks(kept))) == 1 and not git_lock.exists()
    for content in ("", '{"read": {"/a": [{"pid": 1'):
        rwlock.write_text(content)
        assert len(put_right(left_behind.check_dvc_locks(kept))) == 1 and not rwlock.exists()
    rwlock.write_text("{}")
    assert list(left_behind.check_dvc_locks(kept)) == []
    copy = kept.root / ".dvc/tmp/exps/tmpab12cd/data"
    copy.mkdir(parents=True)
    assert len(put_right(left_behind.check_temporary_copies(kept))) == 1 and not copy.parent.exists()
