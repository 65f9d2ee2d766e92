"""The parts of `round`: one at a time, committed inputs, steps that are done once, and when the next is due."""

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from dataengine.active.rounds.committed import RoundInputs
from dataengine.active.rounds.journal import DoneStep, RoundJournal, read_journal, remove_journal, write_journal
from dataengine.active.rounds.lock import LOCK_FILE, MARK, only_round
from dataengine.active.rounds.steps import run_program
from dataengine.errors import InputError, ParamsError
from dataengine.rounds.places import read_places
from dataengine.rounds.whole import WholeRound, due_at, parse_every, read_whole_rounds, write_whole_round

from ...helpers.dvc_checkout import REPOSITORY, git

HOLDER = """
import os, subprocess, sys
from pathlib import Path
from dataengine.active.rounds.lock import MARK, only_round
with only_round(Path(sys.argv[1])) as holder:
    marked = {**os.environ, MARK: holder.token}
    left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], env=marked)
    print(left.pid, flush=True)
    sys.stdin.read()
"""


def holding(folder: Path) -> tuple[subprocess.Popen[str], int]:
    """A process that holds the lock of `folder`, and one that it started."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    words = [sys.executable, "-c", HOLDER, str(folder)]
    holder = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
    assert holder.stdout is not None
    return holder, int(holder.stdout.readline())


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_two_rounds_cannot_run_at_once_and_a_dead_ones_lock_is_taken_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    holder, left = holding(tmp_path)
    try:
        taken = pytest.raises(InputError, match=rf"a round is running here already: got process {holder.pid} on")
        with taken, only_round(tmp_path):
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        assert is_alive(left), "what it started goes on by itself"
        with only_round(tmp_path):
            assert not is_alive(left), "two stages never run at once"
            said = capsys.readouterr().err
            assert f"process {holder.pid}, which began a round at" in said and str(left) in said
    finally:
        holder.kill()
        holder.communicate()
    assert (tmp_path / LOCK_FILE).read_text() == ""
    with only_round(tmp_path):
        assert "is gone" not in capsys.readouterr().err, "one that ended by itself leaves nothing"
    (tmp_path / LOCK_FILE).write_text('{"pid": ')
    with only_round(tmp_path):
        pass


def test_a_program_that_fails_is_one_line_and_carries_the_mark(tmp_path: Path) -> None:
    (tmp_path / "dvc.py").write_text(
        f"import os, sys\nprint('Running stage a')\nprint(os.environ['{MARK}'])\n"
        "print('ERROR: failed to reproduce')\nprint('later')\nsys.exit(int(sys.argv[1]))\n"
    )
    log = tmp_path / "log" / "round.log"
    with pytest.raises(InputError, match=r"`dvc 1` failed: got ERROR: failed to reproduce; see .*round.log"):
        run_program(["dvc", "1"], root=tmp_path, log=log, token="abc")
    run_program(["dvc", "0"], root=tmp_path, log=log, token="abc")
    assert "abc\n" in log.read_text() and "$ dvc 0" in log.read_text()


def test_a_journal_says_what_is_done_by_content(tmp_path: Path) -> None:
    assert read_journal(tmp_path) is None
    journal = RoundJournal(started="2026-01-01T00:00:00+00:00", commit="c", inputs="i", uncommitted=("a",))
    journal = journal.with_step("repro", DoneStep("g", "m", "2026-01-01T01:00:00+00:00", 1.5))
    write_journal(tmp_path, journal)
    back = read_journal(tmp_path)
    assert back == journal
    assert back.has_done("repro", "g", "m")
    assert not any(back.has_done(*each) for each in (("repro", "x", "m"), ("repro", "g", "x"), ("request", "g", "m")))
    (tmp_path / "round.json").write_text('{"started": 3}')
    with pytest.raises(InputError, match="begin again with --restart"):
        read_journal(tmp_path)
    remove_journal(tmp_path)
    remove_journal(tmp_path)
    assert read_journal(tmp_path) is None


def ended(at: datetime, **facts: Any) -> WholeRound:
    text = at.isoformat(timespec="seconds")
    return WholeRound(number=1, started=text, ended=text, commit="c", inputs="i", uncommitted=(), facts=facts)


def test_the_next_round_is_due_counted_from_the_beginning_of_the_last(tmp_path: Path) -> None:
    first, second = (ended(datetime(2026, 1, day, tzinfo=UTC), x=day) for day in (1, 8))
    for each in (second, first, first):
        write_whole_round(tmp_path, each)
    rounds = read_whole_rounds(tmp_path)
    assert rounds == [first, second]
    assert due_at([], timedelta(days=7)) is None
    assert due_at(rounds, parse_every("2w")) == datetime(2026, 1, 22, tzinfo=UTC)
    for text in ("7", "d", "0d", "-1d", "7 days", "1.5h", ""):
        with pytest.raises(ParamsError, match="--every: expected a number and h, d or w"):
            parse_every(text)
    path = next((tmp_path / "whole").glob("*.json"))
    path.write_text(path.read_text().replace('"commit": "c"', '"commit": "d"'))
    with pytest.raises(InputError, match="was changed after it was written"):
        read_whole_rounds(tmp_path)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RoundInputs:
    """A checkout in a sub-folder of a repository, with inputs of every kind."""
    root = tmp_path / "repository" / "sub folder"
    root.mkdir(parents=True)
    monkeypatch.chdir(root)
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"):
        monkeypatch.setenv(name, "a@b.org")
    stages = {"a": {"cmd": "true", "deps": ["code", "made"], "outs": ["late"]}, "b": {"cmd": "true", "outs": ["made"]}}
    Path("dvc.yaml").write_text(yaml.safe_dump({"stages": stages}))
    Path("params.yaml").write_text("mix: {labels: [labels/x.json]}\ncompare: {round: 1, alpha: 0.05}\n")
    for name in ("code/a.py", "labels/x.json", "notes.txt", "requests/r.json"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text("1")
    git("init", "-q", "..")
    git("add", "-A")
    git("commit", "-q", "-m", "all")
    return RoundInputs(Path(), read_places(Path("dvc.yaml")), ("dvc.lock", "requests"))


def test_only_what_decides_the_round_has_to_be_committed(project: RoundInputs) -> None:
    assert project.changed(own=True) == []
    digest = project.digest()
    for name in ("notes.txt", "made", "late", "other/new.txt"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text("2")
    assert project.changed(own=True) == [] and project.digest() == digest
    Path("requests/r.json").write_text("2")
    Path("dvc.lock").write_text("x")
    assert project.changed(own=True) == ["dvc.lock", "requests/r.json"]
    assert project.changed(own=False) == [] and project.digest() == digest, "a stopped round finds its inputs again"
    Path("code/b.py").write_text("2")
    Path("labels/x.json").unlink()
    assert project.changed(own=False) == ["code/b.py", "labels/x.json"]
    assert project.digest() != digest


def test_a_name_that_is_not_utf_8_can_be_shown_and_counts(project: RoundInputs) -> None:
    before = project.digest()
    Path(os.fsdecode(b"code/caf\xe9.py")).write_text("2")
    assert project.changed(own=False) == ["code/caf\\xe9.py"]
    new = project.digest()
    git("add", "-A")
    assert RoundInputs(Path(), project.places, project.own).digest() == new != before


def test_kept_data_count_by_what_is_in_them_now(project: RoundInputs) -> None:
    """A round that was begun with changed data does not go on with data that were changed once more."""
    pictures = Path("labels/pictures")
    pictures.mkdir()
    (pictures / "1.png").write_text("1")
    for words in (["init", "-q", "--subdir"], ["add", "-q", pictures.as_posix()]):
        subprocess.run([sys.executable, "-m", "dvc", *words], check=True)
    git("add", "-A")
    git("commit", "-q", "-m", "data")
    assert project.changed(own=False) == []
    digests = [project.digest()]
    for content in ("2", "3", "3"):
        (pictures / "1.png").write_text(content)
        assert project.changed(own=False) == ["labels/pictures.dvc (its data)"]
        digests.append(project.digest())
    assert len(set(digests)) == 3 and digests[2] == digests[3]


def test_what_begin_round_pins_is_no_other_input(project: RoundInputs) -> None:
    digest = project.digest()
    text = Path("params.yaml").read_text()
    Path("params.yaml").write_text(text.replace("round: 1", "round: 2"))
    assert project.changed(own=False) == ["params.yaml"] and project.digest() == digest
    Path("params.yaml").write_text(text.replace("alpha: 0.05", "alpha: 0.06"))
    assert RoundInputs(Path(), project.places, project.own).digest() != digest
    git("commit", "-q", "-a", "-m", "more")
    with_commit = RoundInputs(Path(), project.places, project.own).digest()
    Path("params.yaml").write_text(text)
    git("commit", "-q", "-a", "-m", "back")
    assert digest == RoundInputs(Path(), project.places, project.own).digest() != with_commit
    assert json.dumps(project.commit())
