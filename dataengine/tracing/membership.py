"""Which set a picture is in, what is held out or left out, and what has been measured on it."""

from __future__ import annotations

from dataengine.files import read_json, short_sha256
from dataengine.terminal.speech import count

from .catalogue import SPLITS
from .finding import FoundSample
from .models import read_project_registry
from .section import Section, when
from .tables import normalised

LOCK_NAME = "test.lock.json"


def split_section(sample: FoundSample) -> Section:
    """Its split, and the reasons of whatever was left out or doubted about it."""
    tables = [row.table for table in (*SPLITS, "pool", "render") for row in sample.rows(table)]
    tables = list(dict.fromkeys(tables))
    held = [str(each["split"]) for each in sample.catalogue.held_out if each["sha256"] == sample.sha256]
    lines = [{"pool": "pool: unlabelled", "render": "none: rendered people are for training"}.get(t, t) for t in tables]
    lines += [f"held out for {split}: no stage may learn from it or propose it" for split in dict.fromkeys(held)]
    reasons = left_out_for(sample)
    lines += [f"left out: {reason}" for reason in reasons]
    suspect = sorted(
        {str(p["suspect"]) for t in SPLITS for row in sample.rows(t) for p in row.people if p.get("suspect")}
    )
    lines += [f"suspect: {checks}" for checks in suspect]
    facts = {"sets": tables, "held_out_for": held, "left_out": reasons, "suspect": suspect}
    return Section("split", tuple(lines) or ("none in this round",), facts)


def left_out_for(sample: FoundSample) -> list[str]:
    """Why ingest set aside the picture or people in it."""
    root = sample.catalogue.places.root
    found = [
        each
        for each in sample.catalogue.findings
        if each.get("severity", "quarantine") == "quarantine" and normalised(root / str(each["file"])) in sample.paths
    ]
    return [f"{each.get('check') or each.get('kind')}: {each['reason']}" for each in found]


def measured_section(sample: FoundSample) -> Section:
    """The evaluation sets that it is in, and the comparisons of the registry that were made on it."""
    sets = [split for split in ("val", "test") if sample.rows(split)]
    lines = ["validation: fits, trust and selection are judged on it"] if "val" in sets else []
    version = None
    if "test" in sets:
        lock = sample.catalogue.file("ingest", "--out", LOCK_NAME)
        version = str(read_json(lock).get("version", "unknown")) if lock else "unknown"
        lines.append(f"test set, version {version}")
    ledger = read_project_registry(sample.catalogue.places).ledger
    short = short_sha256(sample.sha256)
    uses = [use for use in ledger.uses if short and short in ledger.pictures[use.inputs.pictures]]
    lines += [
        f"compared {when(use.at)}: {use.inputs.candidate} against {use.inputs.champion or 'nobody'}, {use.decision}"
        for use in uses
    ]
    comparisons = [
        {"at": use.at, "candidate": use.inputs.candidate, "champion": use.inputs.champion, "decision": use.decision}
        for use in uses
    ]
    lines = lines or [f"in no evaluation set, and in none of {count(len(ledger.uses), 'recorded comparison')}"]
    return Section("measured", tuple(lines), {"sets": sets, "test_version": version, "comparisons": comparisons})
