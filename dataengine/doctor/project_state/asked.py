"""What rounds asked for, of people and of the next round, against answers and against what `select` left last."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from dataengine.errors import InputError
from dataengine.files import json_files, read_json, sha256_file
from dataengine.requests.folder import PATTERN
from dataengine.requests.record import read_request
from dataengine.rounds.answered import of_no_round, read_answers
from dataengine.rounds.asked import AskedRound, enter_round, read_record, read_rounds
from dataengine.rounds.whole import FOLDER, read_whole_round

from .finding import StateFinding, finding
from .kept import Kept
from .labels import gone_files, record_in_git

GROUP, REQUESTS = "rounds", "requests"
SELECTION_FILES = ("to_label.json", "scored.json", "labelled.json")
"""The files over whose hashes a selection's own hash goes, in this order (`active/manifest/files.py`)."""
NO_FACTS = ("format", "content_sha256", "images")
"""Keys of the first that are no facts about the choice (`active/manifest/entered.py`)."""


def check_records(kept: Kept) -> Iterator[StateFinding]:
    """Whether each record is as it was entered, and whether a committed one is gone."""
    for path in json_files(kept.rounds):
        try:
            read_record(path)
        except InputError as error:
            yield record_in_git(kept, GROUP, path, str(error))
    yield from gone_files(kept, GROUP, kept.rounds)


def check_whole_rounds(kept: Kept) -> Iterator[StateFinding]:
    """Whether the record of each round that ended is as it was written, and whether a committed one is gone."""
    folder = kept.rounds / FOLDER
    for path in json_files(folder):
        try:
            read_whole_round(path)
        except InputError as error:
            yield record_in_git(kept, GROUP, path, str(error))
    yield from gone_files(kept, GROUP, folder)


def check_requests(kept: Kept) -> Iterator[StateFinding]:
    """Whether each request is as it was written, apart from its state, and whether a committed one is gone."""
    if kept.requests is None:
        return
    for path in sorted(kept.requests.glob(PATTERN)):
        try:
            read_request(path)
        except InputError as error:
            yield record_in_git(kept, REQUESTS, path, str(error))
    yield from gone_files(kept, REQUESTS, kept.requests)


def check_answers(kept: Kept) -> Iterator[StateFinding]:
    """Whether every import answers a record, where it names one."""
    rounds = _rounds(kept)
    try:
        strangers = of_no_round(read_answers(kept.labels), rounds or [])
    except InputError:
        return  # `check_label_files` says so
    named = sorted({each.selection_sha256[:12] for each in strangers if each.selection_sha256})
    if rounds is not None and named:
        found = f"labels answer {', '.join(named)}, which no record is about"
        fix = f"bring {kept.relative(kept.rounds)}/<hash>.json of the branch that asked"
        yield finding(GROUP, "answers", "note", found, fix=fix)


def check_last_selection(kept: Kept) -> Iterator[StateFinding]:
    """Whether what `select` left is on record. DVC brings its files from a cache, but no record in git."""
    digest, rounds = selection_digest(kept.selection), _rounds(kept)
    if not digest or rounds is None or digest in {asked.selection_sha256 for asked in rounds}:
        return
    found = f"{kept.relative(kept.selection)} asks for labels, and no record says so: it came from DVC's cache"
    fix = "dataengine label-export, which enters what it sends out"
    yield finding(GROUP, "selection", "note", found, fix=fix, repair=partial(enter_selection, kept))


def enter_selection(kept: Kept) -> None:
    """Enter what `select` left into the ledger of rounds, as `select` itself does outside of temporary copies."""
    manifest = read_json(kept.selection / SELECTION_FILES[0])
    choice = {name: value for name, value in manifest.items() if name not in NO_FACTS}
    digest = selection_digest(kept.selection)
    enter_round(kept.rounds, selection_sha256=digest, choice=choice, picks=manifest["images"])


def selection_digest(folder: Path) -> str:
    """What a selection is named by; "" where there is none, or where it asks for nothing."""
    paths = [folder / name for name in SELECTION_FILES]
    if not all(path.is_file() for path in paths):
        return ""
    try:
        manifest = read_json(paths[0])
    except InputError:
        return ""
    if not isinstance(manifest, dict) or not manifest.get("images"):
        return ""
    return hashlib.sha256("".join(map(sha256_file, paths)).encode()).hexdigest()


def _rounds(kept: Kept) -> list[AskedRound] | None:
    try:
        return read_rounds(kept.rounds)
    except InputError:
        return None  # `check_records` says so
