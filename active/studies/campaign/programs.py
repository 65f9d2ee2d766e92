"""One command of a round, run once: a process of its own, whose finished work is noted by what it was given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dataengine.files import read_json, sha256_file, write_json
from dataengine.registry.ledger import digest_of
from dataengine.studies.logged_call import call_logged

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
        call_logged(texts, self.log, f"{step} of {self.folder.root.name}")
        write_json(note, {"given": digest})
