"""Each fault that a kill, a disk or a hand can make: it is found, and put right where that loses nothing."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dataengine.active.manifest.files import selection_sha256
from dataengine.cli import app
from dataengine.doctor.project_state import asked, committed, dvc_files, labels, left_behind, models
from dataengine.doctor.project_state.examination import examine
from dataengine.doctor.project_state.finding import StateFinding
from dataengine.doctor.project_state.kept import Kept, processes_in, read_kept
from dataengine.doctor.project_state.restoring import ASIDE
from dataengine.errors import InputError
from dataengine.files import atomic_path, fresh_folder
from dataengine.labels.label_store import read_store
from dataengine.registry.records import read_registry, write_registry
from dataengine.requests.record import write_request
from dataengine.rounds.asked import read_rounds
from dataengine.rounds.whole import WholeRound, write_whole_round

from ...requests.test_requests import request
from .kept_project import copy_of, ledger_of, new_kept_project


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The project without a fault; tests take copies."""
    patch = pytest.MonkeyPatch()
    yield new_kept_project(tmp_path_factory.mktemp("kept") / "project", patch)
    patch.undo()


@pytest.fixture
def kept(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kept:
    """A copy, in which nothing works but this test."""
    copy = copy_of(whole, tmp_path / "project with spaces")
    monkeypatch.chdir(copy.root)
    return copy


def files_of(root: Path) -> dict[str, bytes]:
    """Content by path of all that the project keeps; what git and DVC keep for themselves is left out."""
    paths = (path for path in root.rglob("*") if path.is_file() and not {".git", ".dvc"} & set(path.parts))
    return {str(path.relative_to(root)): path.read_bytes() for path in paths}


def put_right(found: Iterator[StateFinding]) -> list[str]:
    """Make every repair; what each was about."""
    about = []
    for each in list(found):
        assert each.repair is not None, each.result.found
        each.repair()
        about.append(each.result.found)
    return about


def test_a_project_that_agrees_with_itself(kept: Kept) -> None:
    before = files_of(kept.root)
    examination = examine(kept.root, kept.params)
    assert [each.result.found for each in examination.findings if each.result.status != "ok"] == []
    assert (examination.exit_code, files_of(kept.root)) == (0, before)


def test_everything_that_can_be_put_right_is_and_the_rest_is_listed(kept: Kept) -> None:
    before = files_of(kept.root)
    (kept.store / "b" / "model.onnx").write_text("a flipped byte")
    pictures = sorted((kept.labels / "pictures").iterdir())
    pictures[0].unlink()
    pictures[1].write_bytes(b"another")
    next(iter(kept.labels.glob("*.json"))).write_text("{")
    next(iter(kept.rounds.glob("*.json"))).unlink()
    (kept.root / ".dvc/tmp/rwlock").write_text("")
    (kept.root / "dvc.lock").write_text("schema: '2.0'\nstages:\n  select:\n    cmd: x\n    deps:\n    - path: y\n")
    (kept.labels / ".0123.4711.partial.json").write_text("{")
    done = CliRunner().invoke(app, ["doctor", "--project", "--fix", "--json"])
    told = json.loads(done.output)
    assert (done.exit_code, told["faults"], told["notes"], told["failed"]) == (0, 0, 0, []), done.output
    assert len(told["fixed"]) == 7
    assert files_of(kept.root) == before
    aside = {path.name: path.read_text() for path in (kept.root / ASIDE).rglob("*") if path.is_file()}
    assert aside["model.onnx"] == "a flipped byte"
    kept.params.write_text(kept.params.read_text().replace("round: 2", "round: 7"))
    assert CliRunner().invoke(app, ["doctor", "--project"]).exit_code == 2
    assert CliRunner().invoke(app, ["doctor", "--fix"]).exit_code != 0


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


def test_a_registry_that_lost_what_was_spent(kept: Kept) -> None:
    registry = read_registry(kept.registry)
    write_registry(kept.registry, replace(registry, ledger=ledger_of(2)))
    assert list(models.check_registry(kept)) == [], "it only grew"
    assert [each.result.name for each in committed.check_committed(kept)] == ["commit"]
    write_registry(kept.registry, replace(registry, ledger=ledger_of(0)))
    assert [each.repair for each in models.check_registry(kept)] == [None]
    assert [each.result.name for each in models.check_pins(kept)] == ["ledger"]
    kept.registry.write_text(kept.registry.read_text().replace("0.5", "0.6"))
    assert [each.repair for each in models.check_registry(kept)] == [None]
    assert list(models.check_pins(kept)) == list(models.check_store(kept)) == [], "nothing to hold against"


def test_a_store_that_is_not_what_the_registry_names(kept: Kept) -> None:
    (kept.store / "a" / "model.onnx").unlink()
    (kept.store / "c").mkdir()
    lost, stray = models.check_store(kept)
    assert lost.repair and stray.repair is None and stray.result.status == "note"


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("champion: a", "champion: unknown", "champion"),
        ("round: 2", "round: 3", "round"),
        ("ledger: ", "ledger: 0", "ledger"),
    ],
)
def test_pins_that_the_registry_does_not_bear_out(kept: Kept, old: str, new: str, name: str) -> None:
    kept.params.write_text(kept.params.read_text().replace(old, new))
    (found,) = models.check_pins(kept)
    assert (found.result.name, found.result.status, found.repair) == (name, "fault", None)
    assert "begin-round" in found.result.fix


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("floor_ap: 0.05", "floor_ap: 0.01", "not the policy that the round was begun with: expected hash "),
        ("floor_ap: 0.05", "floor_ap: low", "floor_ap: expected a number, got 'low'"),
        ("sigmas: ''", "sigmas: nowhere.json", "nowhere.json does not exist"),
    ],
)
def test_a_policy_that_was_changed_after_it_was_pinned(kept: Kept, old: str, new: str, says: str) -> None:
    assert list(models.check_policy(kept)) == []
    text = kept.params.read_text()
    assert old in text
    kept.params.write_text(text.replace("threads: 2", "threads: 1"))
    assert list(models.check_policy(kept)) == [], "threads are no part of the policy"
    kept.params.write_text(text.replace(old, new))
    (found,) = models.check_policy(kept)
    assert (found.result.name, found.result.status, found.repair) == ("policy", "fault", None)
    assert says in found.result.found and "begin-round" in found.result.fix


def test_files_that_params_name(kept: Kept) -> None:
    text = kept.params.read_text()
    kept.params.write_text(text + "oks: {sigmas: data/sigmas/none.json}\nrender: 3\n")
    (found,) = models.check_named_files(kept)
    assert "data/sigmas/none.json" in found.result.found


def test_labels_and_pictures(kept: Kept) -> None:
    pictures = sorted((kept.labels / "pictures").iterdir())
    (file,) = kept.labels.glob("*.json")
    good = {path: path.read_bytes() for path in (*pictures, file)}
    file.unlink()
    assert len(put_right(labels.check_label_files(kept))) == 1
    assert {path: path.read_bytes() for path in good} == good
    (kept.labels / "pictures" / "stray.png").write_bytes(b"x")
    (kept.labels / "pictures.dvc").unlink()
    assert [each.result.status for each in labels.check_pictures(kept)] == ["note", "note"]
    stray = kept.labels / "aaaaaaaaaaaa.json"
    stray.write_text("{}")
    (found,) = labels.check_label_files(kept)
    assert found.repair is None and "in no commit" in found.result.fix


def test_a_picture_that_is_nowhere_is_listed_and_nothing_moves(kept: Kept) -> None:
    """The cache holds another picture under the name of the right one, as after a bad disk; the remote is gone."""
    picture = sorted((kept.labels / "pictures").iterdir())[0]
    picture.write_bytes(b"worse")
    for cached in (kept.root / ".dvc/cache/files").rglob("*"):
        if cached.is_file():
            cached.chmod(0o644)
            cached.write_bytes(b"worse")
    (kept.root / ".dvc/config").write_text("[core]\n    remote = store\n['remote \"store\"']\n    url = /nowhere\n")
    (found,) = labels.check_pictures(kept)
    assert found.repair
    with pytest.raises(InputError, match=picture.name):
        found.repair()
    assert picture.read_bytes() == b"worse"


def test_records_of_rounds(kept: Kept) -> None:
    (record,) = kept.rounds.glob("*.json")
    good = record.read_bytes()
    record.write_bytes(good.replace(b"random", b"chosen"))
    assert len(put_right(asked.check_records(kept))) == 1 and record.read_bytes() == good
    (kept.selection / "scored.json").write_text("[]")
    assert len(put_right(asked.check_last_selection(kept))) == 1
    entered = read_rounds(kept.rounds)[-1]
    assert (entered.number, entered.selection_sha256) == (2, selection_sha256(kept.selection))
    assert dict(entered.picks) == {"p": {"rank": 1}} and list(asked.check_last_selection(kept)) == []


def test_the_record_of_a_whole_round_that_was_changed(kept: Kept) -> None:
    when = "2026-01-01T00:00:00+00:00"
    ended = WholeRound(number=1, started=when, ended=when, commit="c", inputs="i", uncommitted=(), facts={"AP": 0.5})
    path = write_whole_round(kept.rounds, ended)
    assert kept.git("add", "-f", str(path)).returncode == 0 and kept.git("commit", "-qm", "round").returncode == 0
    assert list(asked.check_whole_rounds(kept)) == []
    good = path.read_bytes()
    path.write_bytes(good.replace(b"0.5", b"0.9"))
    assert len(put_right(asked.check_whole_rounds(kept))) == 1 and path.read_bytes() == good
    path.unlink()
    assert len(put_right(asked.check_whole_rounds(kept))) == 1 and path.read_bytes() == good


def test_a_request_that_was_changed(kept: Kept) -> None:
    assert kept.requests is not None
    path = write_request(kept.requests, request())
    assert list(asked.check_requests(kept)) == []
    path.write_text(path.read_text().replace("rare and wrong", "rare"))
    (found,) = asked.check_requests(kept)
    assert found.result.status == "fault" and found.repair is None, "it is in no commit"
    kept.params.write_text(kept.params.read_text().replace("open: []", "open: [data/requests/gone.json]"))
    assert [each.result.name for each in models.check_named_files(kept)] == ["files"]


def test_an_unsettled_merge(kept: Kept) -> None:
    for branch, number in (("other", 3), ("-", 4)):
        words = ["checkout", "-q", "-b", branch] if branch != "-" else ["checkout", "-q", "-"]
        assert kept.git(*words).returncode == 0
        kept.params.write_text(kept.params.read_text().replace("round: 2", f"round: {number}"))
        assert kept.git("commit", "-qam", branch).returncode == 0
    assert kept.git("merge", "other").returncode != 0
    assert [each.result.name for each in committed.check_committed(kept)] == ["merge"]


def test_a_folder_without_a_project_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "dataengine", "doctor", "--project"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    (tmp_path / "dvc.yaml").write_text("stages: {}")
    (tmp_path / "params.yaml").write_text("registry: {file: a, store: b}")
    with pytest.raises(Exception, match="lacks"):
        examine(tmp_path, tmp_path / "params.yaml")
