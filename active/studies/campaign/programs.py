"""One command of a round, run once: a process of its own, whose finished work is noted by what it was given."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dataengine.errors import InputError
from dataengine.files import read_json, sha256_file, write_json
from dataengine.registry.ledger import digest_of

from .places import RoundFolder


@dataclass(frozen=True)
class RoundPrograms:
    """The commands of one round, which run in the project's folder; what they print goes to `log`."""

    folder: RoundFolder
    log: Path

    def once(self, step: str, *words: str | Path, given: Sequence[Path] = ()) -> None:
        """Run `dataengine` with `words`, unless the step is noted as done with the same words and files `given`.

        Raises:
            InputError: it fails; the line is its own.
        """
        files = {path.as_posix(): sha256_file(path) for path in given if path.is_file()}
        texts = [str(word) for word in words]
        digest, note = digest_of([texts, files]), self.folder.of("done") / f"{step}.json"
        if note.exists() and read_json(note).get("given") == digest:
            return
        command = [sys.executable, "-m", "dataengine", *texts]
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("a", encoding="utf-8") as opened:
            opened.write(f"\n$ {' '.join(command[2:])}\n")
            opened.flush()
            done = subprocess.run(command, stdout=opened, stderr=opened)
        if done.returncode:
            lines = self.log.read_text(encoding="utf-8").strip().splitlines()
            got = lines[-1] if lines else ""
            raise InputError(f"{step} of {self.folder.root.name} failed", got=got, fix=f"see {self.log}")
        write_json(note, {"given": digest})
