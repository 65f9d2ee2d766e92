"""This project's DVC and git, run as programs: run experiments, read their metrics and results back."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from dataengine.errors import EnvironmentFault, InputError
from dataengine.files import sha256_file
from dataengine.studies.left_experiments import clear_left
from dataengine.studies.logged_call import run_logged
from dataengine.studies.settings import assignments

LOCK_NAME, PIPELINE_NAME, PARAMS_NAME = "dvc.lock", "dvc.yaml", "params.yaml"
IGNORED_SUFFIXES = (".pyc", ".partial")
_PARAM = re.compile(r"\$\{(?P<section>[\w-]+)\.(?P<key>[\w-]+)\}")
_EXPERIMENT = re.compile(r"refs/exps/[0-9a-f]{2}/[0-9a-f]{38}/(.+)")


class DvcProject:
    """The project in folder `root`; what its programs print goes to the file `log`."""

    def __init__(self, root: Path, log: Path) -> None:
        self.root, self.log = root, log
        if not (root / PIPELINE_NAME).is_file():
            raise InputError(f"{root} has no {PIPELINE_NAME}", fix="run in the project's folder")
        self._git("rev-parse", "HEAD")
        log.parent.mkdir(parents=True, exist_ok=True)

    def repro(self, stage: str) -> None:
        """Bring a stage up to date."""
        self._logged("repro", stage)

    def run_experiment(
        self, name: str, params: Mapping[str, str], stage: str, *, copied: Sequence[Path] = (), alone: bool = False
    ) -> None:
        """`dvc exp run` in a temporary folder. Raises InputError when it fails.

        `copied` are files and folders of the project that neither git nor DVC brings there. `alone` runs the stage even
        if DVC considers it up to date, and no stage before it: for stages made to read files that are not among their
        dependencies.
        """
        untracked = not self._git("ls-files", LOCK_NAME)  # the lock file names the outputs in the cache
        paths = [LOCK_NAME] if untracked else []
        paths += [path.resolve().relative_to(self.root.resolve()).as_posix() for path in copied]
        words = [word for path in paths for word in ("--copy-paths", path)]
        words += ["--single-item", "--force"] if alone else []
        words += [word for assignment in assignments(params) for word in ("--set-param", f"++{assignment}")]
        clear_left(self.root, name)  # of a run that was killed
        try:
            self._logged("exp", "run", "--temp", "--name", name, *words, stage)
        finally:
            clear_left(self.root, name)

    def remove_experiment(self, name: str) -> None:
        """Forget an experiment that began at the present commit."""
        self._logged("exp", "remove", name)

    def experiment_metrics(self, stage: str) -> dict[str, dict[str, float]]:
        """Name -> metrics of a stage, of all experiments that began at the present commit."""
        file = self.metrics_file(stage)
        shown = json.loads(self._program("dvc", "exp", "show", "--json"))
        commits = (row for row in shown if row["rev"] != "workspace")
        experiments = (experiment for commit in commits for experiment in commit["experiments"] or ())
        found = {}
        for experiment in experiments:
            for revision in experiment["revs"] or ():
                metrics = ((revision["data"] or {}).get("metrics") or {}).get(file) or {}
                found[revision["name"]] = metrics.get("data") or {}
        return found

    def experiments(self) -> dict[str, str]:
        """Name -> revision of all experiments, whichever commit they began at."""
        refs = self._git("for-each-ref", "--format=%(refname)", "refs/exps").split()
        return {found[1]: ref for ref in refs if (found := _EXPERIMENT.fullmatch(ref))}

    def fetch(self, revision: str, path: str, out: Path) -> None:
        """Copy a result of an experiment to `out`, from DVC's cache. Raises InputError where it is not there."""
        out.parent.mkdir(parents=True, exist_ok=True)
        self._logged("get", ".", path, "--rev", revision, "--out", str(out), "--force")

    def params(self) -> dict[str, Any]:
        """The sections of params.yaml."""
        return dict(yaml.safe_load((self.root / PARAMS_NAME).read_text(encoding="utf-8")))

    def out(self, stage: str) -> str:
        """The first result of a stage."""
        return paths_of(self._stages()[stage], "outs")[0]

    def metrics_file(self, stage: str) -> str:
        """The file with the metrics of a stage."""
        return paths_of(self._stages()[stage], "metrics")[0]

    def makers(self, stage: str) -> list[str]:
        """The stages whose results a stage reads."""
        stages = self._stages()
        deps = set(paths_of(stages[stage], "deps"))
        return [name for name, entry in stages.items() if deps & set(_made(entry))]

    def ingredients(self, stage: str) -> dict[str, Any]:
        """What decides a stage's result, whatever the commit: its own ingredients and those of the stages before it.

        Command, sections of params.yaml, and hashes of files by path, a folder's one by one.
        """
        stages, params = self._stages(), self.params()
        makers = {path: name for name, entry in stages.items() for path in _made(entry)}
        todo, found = [stage], dict[str, Any]()
        while todo:
            name = todo.pop()
            if name in found:
                continue
            deps = paths_of(stages[name], "deps")
            todo += [makers[dep] for dep in deps if dep in makers]
            own = [file for dep in deps if dep not in makers for file in self._files(dep)]
            files = {file: sha256_file(self.root / file) for file in own}
            sections = {section: params.get(section) for section in stages[name].get("params", [])}
            found[name] = {"cmd": stages[name]["cmd"], "params": sections, "files": files}
        return found

    def dependencies(self, stage: str) -> list[dict[str, Any]]:
        """Paths and hashes that `dvc.lock` gives for what a stage read."""
        document = yaml.safe_load((self.root / LOCK_NAME).read_text(encoding="utf-8"))
        return [dict(dep) for dep in document["stages"][stage]["deps"]]

    def results(self, stage: str) -> list[dict[str, Any]]:
        """Paths and hashes that `dvc.lock` gives for what a stage wrote."""
        document = yaml.safe_load((self.root / LOCK_NAME).read_text(encoding="utf-8"))
        return [dict(out) for out in document["stages"][stage].get("outs", [])]

    def changes(self) -> str:
        """What differs from the commit, apart from texts and the lock file."""
        return self._git("diff", "HEAD", "--", ".", ":!docs", ":!*.md", f":!{LOCK_NAME}")

    def _files(self, dep: str) -> list[str]:
        """A dependency that is a file, or the files in one that is a folder, apart from what .dvcignore leaves out."""
        path = self.root / dep
        if not path.is_dir():
            return [dep]
        files = (file.relative_to(self.root) for file in sorted(path.rglob("*")) if file.is_file())
        return [f.as_posix() for f in files if "__pycache__" not in f.parts and f.suffix not in IGNORED_SUFFIXES]

    def _stages(self) -> dict[str, Any]:
        return read_stages(self.root / PIPELINE_NAME)

    def _git(self, *arguments: str) -> str:
        return self._program("git", *arguments)

    def _program(self, *command: str) -> str:
        """Standard output of a program. Raises EnvironmentFault when it fails."""
        try:
            done = subprocess.run(
                _callable(command), cwd=self.root, env=_environment(), capture_output=True, text=True, check=True
            )
        except (OSError, subprocess.CalledProcessError) as error:
            got = str(getattr(error, "stderr", "") or error).strip()[-300:]
            fix = "run in a checkout of the project, after `make setup`"
            raise EnvironmentFault(f"{' '.join(command[:3])} does not work", got=got, fix=fix) from error
        return done.stdout

    def _logged(self, *arguments: str) -> None:
        """Run dvc with all its output in the log. Raises InputError with its last error when it fails."""
        command, title = _callable(("dvc", *arguments)), f"dvc {' '.join(arguments)}"
        code, printed = run_logged(command, self.log, title, folder=self.root, environment=_environment())
        if code:
            lines = [line for line in printed if "ERROR" in line] or printed
            raise InputError(
                f"dvc {' '.join(arguments[:2])} failed", got=lines[-1] if lines else "", fix=f"see {self.log}"
            )


def read_stages(pipeline: Path) -> dict[str, Any]:
    """The stages of a dvc.yaml; ``${section.key}`` is replaced by what params.yaml next to it says, if it does."""
    params_file = pipeline.with_name(PARAMS_NAME)
    params = yaml.safe_load(params_file.read_text(encoding="utf-8")) if params_file.is_file() else {}

    def value(found: re.Match[str]) -> str:
        section = params.get(found["section"])
        return str(section[found["key"]]) if isinstance(section, dict) and found["key"] in section else found[0]

    return dict(yaml.safe_load(_PARAM.sub(value, pipeline.read_text(encoding="utf-8")))["stages"])


def paths_of(stage: Mapping[str, Any], key: str) -> list[str]:
    """The paths under `key` of a stage of dvc.yaml, which writes a path alone or as a mapping to its flags."""
    return [next(iter(entry)) if isinstance(entry, dict) else entry for entry in stage.get(key, [])]


def _made(entry: dict[str, Any]) -> list[str]:
    """Everything that a stage of dvc.yaml writes."""
    return [path for key in ("outs", "metrics", "plots") for path in paths_of(entry, key)]


def _callable(command: Sequence[str]) -> list[str]:
    """The command, with dvc run by this environment's Python."""
    return [sys.executable, "-m", *command] if command[0] == "dvc" else list(command)


def _environment() -> dict[str, str]:
    """The environment variables, this environment's programs first on PATH: stages start commands by name."""
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
