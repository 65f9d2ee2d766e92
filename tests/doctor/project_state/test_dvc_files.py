"""What DVC keeps: its lock file, results that are gone or changed, a worktree without them."""

from pathlib import Path

import pytest

from dataengine.doctor.project_state import asked, dvc_files, left_behind, models
from dataengine.doctor.project_state.kept import Kept, read_kept
from dataengine.errors import InputError

from .kept_project import put_right


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "schema: '2.0'\nstages: 1",
        "schema: '2.0'\nstages:\n  a:\n    cmd: x\n    outs:\n    - path: y\n",
        "a: {",
    ],
)
def test_a_lock_file_that_was_cut_short(kept: Kept, content: str) -> None:
    path = kept.root / "dvc.lock"
    good = path.read_text()
    path.write_text(content)
    put_right(dvc_files.check_lock(kept))
    assert path.read_text() == good and list(dvc_files.check_lock(kept)) == []
    path.write_text("<<<<<<< HEAD\n" + good)
    assert [each.repair for each in dvc_files.check_lock(kept)] == [None]


def test_results_that_are_gone_come_from_the_cache_and_changed_ones_stay(kept: Kept) -> None:
    made = kept.root / "data/select/scored.json"
    (kept.store / "b" / "more.txt").write_text("changed by hand")
    for path in sorted(made.parent.iterdir()):
        path.unlink()
    made.parent.rmdir()
    gone, changed = dvc_files.check_status(kept)
    assert gone.repair and changed.repair is None and "models/registry" in changed.result.found
    gone.repair()
    assert made.read_text() == "{}" and (kept.store / "b" / "more.txt").exists()


def test_a_worktree_has_nothing_until_it_shares_the_cache(kept: Kept, tmp_path: Path) -> None:
    assert kept.git("worktree", "add", "-q", str(tmp_path / "other")).returncode == 0
    other = read_kept(tmp_path / "other", tmp_path / "other" / "params.yaml")
    with pytest.raises(InputError, match="dvc pull"):
        dvc_files.check_out(other, ["data/select"])
    (other.root / ".dvc/config.local").write_text(f"[cache]\n    dir = {kept.root / '.dvc/cache'}\n")
    dvc_files.check_out(other, ["data/select", "models/registry"])
    assert list(models.check_store(other)) == [] and asked.selection_digest(other.selection)
    assert list(left_behind.check_git_locks(other)) == []
