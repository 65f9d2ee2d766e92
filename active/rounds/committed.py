"""What a round starts from, and whether git holds it.

Inputs are what dvc.yaml names as dependencies and no stage makes (code, labels, kept data), dvc.yaml and params.yaml
themselves, and whatever else lies in git and is named in params.yaml. A round writes some of them itself: the pins in
params.yaml, dvc.lock, the registry, the records of rounds and requests (`RoundInputs.own`). `RoundInputs.digest` leaves
these out, so that a round that was stopped finds the inputs that it began with.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from dataengine.errors import EnvironmentFault
from dataengine.files import flat_items, sha256_file
from dataengine.registry.ledger import digest_of
from dataengine.rounds.places import ProjectPlaces
from dataengine.studies.dvc_project import LOCK_NAME, PARAMS_NAME, PIPELINE_NAME, paths_of

PINS = {"compare": ("champion", "round", "policy", "ledger"), "requests": ("open", "kept")}
"""Keys of params.yaml that `dataengine begin-round` writes."""
_KEPT_DATA = ".dvc"


@dataclass(frozen=True)
class RoundInputs:
    """The inputs of the project in a folder."""

    root: Path
    places: ProjectPlaces
    own: tuple[str, ...]
    """Files and folders that a round writes, although git holds them: no input of the round that writes them."""

    def changed(self, *, own: bool) -> list[str]:
        """Inputs that differ from the last commit, in order, to be shown; with `own`, also what rounds write."""
        files = [os.fsencode(name).decode("utf-8", "backslashreplace") for name in self._changed_files(own=own)]
        return files + [f"{name} (its data)" for name in self._changed_data()]

    def _changed_files(self, *, own: bool) -> list[str]:
        """Those that lie in git, by their names on the disk, where bytes that are not UTF-8 are lone surrogates."""
        listed = self._git("status", "--porcelain", "-z", "-uall", "--no-renames", "--", ".")
        above = self._git("rev-parse", "--show-prefix").strip()  # git names files from the checkout's root
        names = sorted(line[3:].removeprefix(above) for line in listed.split("\0") if line)
        return [name for name in names if self.is_input(name) and (own or not self._is_own(name))]

    def is_input(self, name: str) -> bool:
        """Whether the file `name`, relative to the project, decides what a round makes."""
        path = PurePosixPath(name)
        if name in (PIPELINE_NAME, PARAMS_NAME, LOCK_NAME) or path.suffix == _KEPT_DATA or self._is_own(name):
            return True
        return name in self._named or any(str(parent) in self._named for parent in path.parents)

    def digest(self) -> str:
        """Hash of all inputs but those that the round writes: the same hash, the same round."""
        blobs = dict(self._tracked())
        for name in self._changed_files(own=False):
            blobs[name] = self._blob(name)
        for name in self._changed_data():
            blobs[f"{name} (its data)"] = self._content((self.root / name).with_suffix(""))
        blobs.pop(PARAMS_NAME, None)
        return digest_of([sorted(blobs.items()), self._params_without_pins()])

    def commit(self) -> str:
        """The commit that the project is at."""
        return self._git("rev-parse", "HEAD").strip()

    @cached_property
    def _named(self) -> set[str]:
        """Dependencies that no stage makes, and paths in params.yaml."""
        stages = self.places.stages.values()
        made = {path for stage in stages for key in ("outs", "metrics", "plots") for path in paths_of(stage, key)}
        deps = {path for stage in stages for path in paths_of(stage, "deps")} - made
        values = (value for _, value in flat_items(self._params()))
        texts = {str(each) for value in values for each in (value if isinstance(value, list) else [value])}
        return deps | {text for text in texts if text and (self.root / text).exists() and not text.startswith(".")}

    def _params(self) -> dict[str, Any]:
        return dict(yaml.safe_load((self.root / PARAMS_NAME).read_text(encoding="utf-8")) or {})

    def _params_without_pins(self) -> dict[str, Any]:
        params = self._params()
        for section, keys in PINS.items():
            if isinstance(params.get(section), dict):
                params[section] = {k: v for k, v in params[section].items() if k not in keys}
        return json.loads(json.dumps(params, default=str))  # dates and the like as texts

    def _is_own(self, name: str) -> bool:
        return any(PurePosixPath(name).is_relative_to(each) for each in self.own)

    def _tracked(self) -> Iterator[tuple[str, str]]:
        """(path, blob) of the tracked inputs."""
        for line in self._git("ls-files", "-s", "-z").split("\0"):
            facts, _, name = line.partition("\t")
            if name and self.is_input(name) and not self._is_own(name):
                yield name, facts.split()[1]

    def _blob(self, name: str) -> str:
        path = self.root / name
        return self._git("hash-object", "--", name).strip() if path.is_file() else "missing"

    def _content(self, data: Path) -> str:
        """Hash of a file, or of all files in a folder."""
        if data.is_file():
            return sha256_file(data)
        files = sorted(path for path in data.rglob("*") if path.is_file())
        return digest_of([[path.relative_to(data).as_posix(), sha256_file(path)] for path in files])

    def _changed_data(self) -> list[str]:
        """The ``.dvc`` files whose data differ from what they stand for."""
        kept = [name for name in self._git("ls-files", "-z", f"*{_KEPT_DATA}").split("\0") if name]
        if not kept:
            return []
        status = json.loads(self._run(sys.executable, "-m", "dvc", "status", "--json", *kept) or "{}")
        return sorted(status)

    def _git(self, *arguments: str) -> str:
        return self._run("git", *arguments)

    def _run(self, *command: str) -> str:
        try:
            done = subprocess.run(command, cwd=self.root, capture_output=True, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            said = getattr(error, "stderr", None)
            got = (said.decode("utf-8", "replace") if said else str(error)).strip()[-300:]
            fix = "run in a checkout of git and DVC"
            raise EnvironmentFault(f"{' '.join(command[:2])} does not work in {self.root}", got=got, fix=fix) from error
        return os.fsdecode(done.stdout)
