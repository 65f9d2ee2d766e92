"""The registry against its last commit, its store and what params.yaml pins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from dataengine.errors import DataEngineError, InputError
from dataengine.evaluation.own_sigmas import load_protocol
from dataengine.files import sha256_file, short_sha256
from dataengine.params import load_values
from dataengine.registry.records import Entry, Registry
from dataengine.registry.registry_file import read_registry
from dataengine.studies.sections import read_section

from .finding import StateFinding, finding
from .kept import Kept
from .restoring import from_dvc

REGISTRY, PINS = "registry", "pins"
BEGIN = "dataengine begin-round"


def check_registry(kept: Kept) -> Iterator[StateFinding]:
    """Whether the registry's chains hold, and whether it still has every line that its last commit has."""
    try:
        registry = read_registry(kept.registry)
    except InputError as error:
        relative = kept.relative(kept.registry)
        fix = f"git checkout {relative}, unless comparisons since the last commit can be saved by hand"
        yield finding(REGISTRY, "file", "fault", str(error), fix=fix)
        return
    lost = _lost_lines(kept, registry)
    if lost:
        found = f"{lost} of the last commit's comparisons and events are not in it"
        fix = f"take the registry of the commit, git checkout {kept.relative(kept.registry)}: what is spent stays spent"
        yield finding(REGISTRY, "history", "fault", found, fix=fix)


def _lost_lines(kept: Kept, registry: Registry) -> int:
    """Number of lines of the ledger and of events that the last commit's registry has and this one has not."""
    done = kept.git("show", f"HEAD:./{kept.relative(kept.registry)}")
    try:
        committed = yaml.safe_load(done.stdout) if done.returncode == 0 else None  # JSON is YAML
        uses = [line["digest"] for line in committed["comparisons"]] if committed else []
        events = [(event["at"], event["id"], event["outcome"]) for event in committed["events"]] if committed else []
    except (yaml.YAMLError, KeyError, TypeError):
        return 0  # an older format, which `read_registry` of that commit judges
    here = {(event.at, event.id, event.outcome) for event in registry.events}
    return len(set(uses) - set(registry.ledger.digests)) + len(set(events) - here)


def check_store(kept: Kept) -> Iterator[StateFinding]:
    """Whether the store holds every model of the registry, byte for byte, and nothing that no entry names."""
    registry = _registry(kept)
    if registry is None:
        return
    for entry in registry.entries:
        folder = kept.store / entry.id
        fault = copy_fault(folder, entry)
        if fault:
            found = f"{entry.state} {entry.id} in {kept.relative(kept.store)}: {fault}"
            repair = partial(from_dvc, kept, {folder: partial(_is_copy_of, entry)})
            fix = f"dvc pull {kept.relative(kept.store)}, or a backup"
            yield finding(REGISTRY, "store", "fault", found, fix=fix, repair=None if kept.workers else repair)
    known = {entry.id for entry in registry.entries}
    for path in sorted(kept.store.iterdir()) if kept.store.is_dir() else ():
        if path.is_dir() and path.name not in known and not path.name.startswith("."):
            found = f"{kept.relative(path)} is named by no entry: of a promotion that was stopped, or of another branch"
            yield finding(REGISTRY, "store", "note", found, fix="dvc repro promote uses it where it fits")


def copy_fault(folder: Path, entry: Entry) -> str:
    """What is wrong with the store's copy of a model; "" where each file is what the registry names."""
    if not folder.is_dir():
        return "it is missing"
    for name, sha256 in {**entry.files, **entry.records}.items():
        if Path(name).name != name:
            return f"the registry names a file outside of it, {name}"
        if not (folder / name).is_file():
            return f"{name} is missing"
        if sha256_file(folder / name) != sha256:
            return f"{name} is not the file that was promoted, sha256 {short_sha256(sha256)}"
    return ""


def _is_copy_of(entry: Entry, folder: Path) -> bool:
    return not copy_fault(folder, entry)


def check_pins(kept: Kept) -> Iterator[StateFinding]:
    """Whether champion, ledger and round that `begin-round` pinned are in the registry."""
    registry = _registry(kept)
    if registry is None:
        return
    pins = load_values(kept.params, "compare")
    champion, head, number = str(pins.get("champion", "")), str(pins.get("ledger", "")), pins.get("round")
    states = {entry.id: entry.state for entry in registry.entries}
    if champion and states.get(champion) not in ("champion", "archived"):
        found = f"compare.champion is {champion}, which {'was never champion' if champion in states else 'is unknown'}"
        yield finding(PINS, "champion", "fault", found, fix=BEGIN)
    digests = [short_sha256(digest) for digest in registry.ledger.digests]
    if head and head not in digests:
        found = f"compare.ledger is {head}, a line that the registry lacks"
        fix = f"bring the registry of that line from git, or begin again: {BEGIN}"
        yield finding(PINS, "ledger", "fault", found, fix=fix)
        return
    until = registry.ledger.uses[: digests.index(head) + 1 if head else 0]
    expected = 1 + len({use.inputs.id for use in until})
    if number != expected:
        yield finding(
            PINS, "round", "fault", f"compare.round is {number}, by compare.ledger it is {expected}", fix=BEGIN
        )


def check_policy(kept: Kept) -> Iterator[StateFinding]:
    """Whether sections `compare` and `oks` are the policy that `begin-round` pinned: `compare` refuses another."""
    try:
        sigmas = load_protocol(kept.params).sigmas_name
        read_section(kept.params, "compare").require_pinned_policy(sigmas)
    except DataEngineError as error:
        yield finding(PINS, "policy", "fault", str(error), fix=f"take the change back, or begin again: {BEGIN}")


def check_named_files(kept: Kept) -> Iterator[StateFinding]:
    """Whether kept files that params name are there: labels, frozen poses and clusters, sigmas."""
    for key, names in _named_files(_sections(kept.params)).items():
        for name in names:
            if not (kept.root / name).is_file():
                fix = f"git checkout {name}, or take it out of {key}"
                yield finding(PINS, "files", "fault", f"{key} names {name}, which is not there", fix=fix)


def _named_files(sections: Mapping[str, Any]) -> dict[str, list[str]]:
    keys = [("mix", "labels"), ("render", "known_poses"), ("oks", "sigmas"), ("balance", "frozen")]
    keys += [("requests", "open"), ("requests", "kept")]
    named = {}
    for section, key in keys:
        value = (sections.get(section) or {}).get(key) if isinstance(sections.get(section), dict) else None
        values = value if isinstance(value, list) else [value]
        named[f"{section}.{key}"] = [each for each in values if isinstance(each, str) and each]
    return named


def _sections(params: Path) -> Mapping[str, Any]:
    document = yaml.safe_load(params.read_text(encoding="utf-8"))
    return document if isinstance(document, dict) else {}


def _registry(kept: Kept) -> Registry | None:
    try:
        return read_registry(kept.registry)
    except InputError:
        return None  # `check_registry` says so
