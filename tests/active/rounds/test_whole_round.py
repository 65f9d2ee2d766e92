"""A whole round by the lines of docs/rounds.md, what it leaves, and how a stopped one goes on."""

import configparser
import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from dataengine.active import round as whole_round
from dataengine.active.rounds import order
from dataengine.active.rounds.journal import read_journal
from dataengine.cli import app
from dataengine.errors import InputError
from dataengine.requests.folder import read_requests
from dataengine.requests.record import ORIGIN
from dataengine.rounds.whole import read_whole_rounds

from ...helpers.dvc_checkout import REPOSITORY
from ...helpers.pipeline_project import PipelineProject, environment
from .tiny_project import new_tiny_project, write_verdict

PAGE = (REPOSITORY / "docs" / "rounds.md").read_text(encoding="utf-8")
OUT = Path("reports/round")


def blocks(kind: str) -> list[str]:
    """The code blocks of a kind on the page."""
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PipelineProject]:
    root = tmp_path_factory.mktemp("round") / "project"
    root.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        yield new_tiny_project(root)


@pytest.fixture
def project(base: PipelineProject, monkeypatch: pytest.MonkeyPatch) -> PipelineProject:
    monkeypatch.chdir(base.root)
    for name, value in environment().items():
        monkeypatch.setenv(name, value)
    return base


def test_the_ci_job_runs_a_round_and_its_change_request_says_what_it_decides(project: PipelineProject) -> None:
    (job,) = yaml.safe_load(blocks("yaml")[0])["jobs"].values()
    steps = {step["name"]: step for step in job["steps"] if "name" in step}
    script = f"set -e\n{steps['round']['run']}"
    done = subprocess.run(["bash", "-c", script], env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "round 1: reject: Not better" in done.stdout

    branch = project.run("git", "branch", "--show-current").strip()
    assert branch.startswith("round-")
    assert project.run("git", "ls-remote", "origin", branch)
    assert project.is_clean(), "all that it wrote is committed, and dvc repro has nothing to do"
    assert any(project.root.with_name("remote").rglob("*")), "the results are in the remote"
    assert project.run("git", "log", "-1", "--format=%s").strip() == "Round 1: reject"

    text = (OUT / "change_request.md").read_text()
    assert "# Round 1: reject" in text and "Registry: champion stays none; candidate new" in text
    assert "Label bill: 4 images with 8 people, about 6.4 minutes." in text
    html = (OUT / "index.html").read_text()
    assert not re.findall(r"""(?:src|href)=["']?(?!data:)[^"'>\s]""", html), "the page loads nothing"
    assert "&lt;b&gt;by far&lt;/b&gt;" in html and "data:image/jpeg;base64," in html
    for title in ("Asked", "Rendered", "Labelled", "Learnt", "Drift", "Decided", "Asked of the next round"):
        assert f"<h2>{title}</h2>" in html

    (request,) = read_requests(Path("data/requests"))
    assert set(request.people.extras[ORIGIN].tolist()) == {"pool"}, "nobody in training lies down"
    assert request.asked.part == "cluster=1" and request.asked.asked_by == "gate" and request.state.now == "waiting"
    assert request.id in html and request.id in text
    (record,) = read_whole_rounds(Path("data/rounds"))
    assert record.facts == json.loads((OUT / "round.json").read_text())["facts"]
    assert record.facts["drift"]["new_films"] == ["clip.mp4"] and not record.uncommitted
    assert read_journal(Path(".dvc/tmp/dataengine")) is None

    again = CliRunner().invoke(app, ["round", "--every", "7d"], catch_exceptions=False)
    assert again.exit_code == 0 and again.output.startswith("round: the next is due at ")


def test_cron_and_systemd_lines_are_well_formed(tmp_path: Path) -> None:
    (line,) = blocks("cron")
    minute, hour, day, month, weekday, command = line.strip().split(maxsplit=5)
    assert 0 <= int(minute) <= 59 and [hour, day, month, weekday] == ["*"] * 4
    service, timer = (configparser.ConfigParser(strict=True, interpolation=None) for _ in range(2))
    for parser in (service, timer):
        parser.optionxform = str  # type: ignore[assignment, method-assign]
    service.read_string(blocks("ini")[0])
    timer.read_string(blocks("ini")[1])
    assert service["Service"]["Type"] == "oneshot" and timer["Timer"]["OnCalendar"] == "hourly"
    for words in (
        shlex.split(command.partition("&&")[2].partition(">>")[0]),
        shlex.split(service["Service"]["ExecStart"]),
    ):
        assert Path(words[0]).name == "dataengine"
        known = CliRunner().invoke(app, [words[1], "--help"]).output
        assert words[1] == "round" and all(word in known for word in words if word.startswith("--"))
    if shutil.which("systemd-analyze"):
        names = [tmp_path / f"dataengine-round.{kind}" for kind in ("service", "timer")]
        text = blocks("ini")[0].replace("/srv/pose/.venv/bin/dataengine", "/bin/true").replace("/srv/pose", "/")
        names[0].write_text(text.replace("User=pose", "User=root"))
        names[1].write_text(blocks("ini")[1])
        done = subprocess.run(["systemd-analyze", "verify", *map(str, names)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_a_stopped_round_goes_on_and_a_changed_or_uncommitted_one_is_refused(
    project: PipelineProject, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In-process: what is run is written down, and the second step fails at first."""
    ran: list[str] = []
    real = order.run_program

    def recorded(words: list[str], **options: Any) -> None:
        ran.append(words[1])
        if words[1] == "repro" and ran.count("repro") == 1:
            raise InputError("`dvc repro` failed", got="no room left")
        real(words, **options)

    monkeypatch.setattr(order, "run_program", recorded)
    write_verdict(Path("given/compare"), ap=0.35)
    with pytest.raises(InputError, match=r"not committed: got given/compare/verdict.json; commit them"):
        whole_round.run(Path(), out=OUT)
    assert ran == []
    with pytest.raises(InputError, match="no room left"):
        whole_round.run(Path(), allow_dirty=True, out=OUT)
    assert "no commit holds given/compare/verdict.json: this round cannot be repeated" in capsys.readouterr().err
    Path("given/select/picks.jpg").write_bytes(b"changed")
    with pytest.raises(InputError, match=r"inputs have changed since the round of .*: got .*given/select/picks.jpg"):
        whole_round.run(Path(), out=OUT)
    project.run("git", "checkout", "-q", "given/select/picks.jpg")
    whole_round.run(Path(), every="7d", out=OUT)
    assert ran == ["begin-round", "repro", "repro", "request"], "begun once, and finished before it is due"
    last = read_whole_rounds(Path("data/rounds"))[-1]
    assert last.uncommitted == ("given/compare/verdict.json",)
    assert "cannot be repeated" in (OUT / "index.html").read_text()
    served = [request for request in read_requests(Path("data/requests")) if request.state.now == "served"]
    assert len(served) == 1 and "AP in cluster=1 0.100 to 0.150: +0.050" in served[0].state.brought["words"]
