"""What a round leaves that has to be the same however often it was killed: contents without times and measured speeds.

Weights, networks, people and picks are compared byte for byte. Of records that hold the time of day, the latency that
was measured, or hashes over these, the rest is compared.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dataengine.files import sha256_file
from dataengine.registry.registry_file import read_registry
from dataengine.rounds.asked import read_rounds

BYTES = (
    "data/ingest/*.json",
    "data/balance/*.json",
    "data/mix/*",
    "data/select/*.json",
    "data/labels/*.json",
    "models/fit-*/model.safetensors",
    "models/export/*.onnx",
    "models/registry/*/*.onnx",
    "reports/fit-*/metrics.json",
    "reports/promote/promotion.json",
)
TIMED = frozenset({"images_per_s", "loader_wait_share"})


def outcome_of(root: Path) -> dict[str, Any]:
    """The outcome of the round in the project `root`, by path or topic."""
    found: dict[str, Any] = {}
    for pattern in BYTES:
        for path in sorted(root.glob(pattern)):
            if path.is_file():
                found[str(path.relative_to(root))] = _content(path)
    registry = read_registry(root / "models/registry.json")
    found["entries"] = [(entry.id, entry.state, entry.ap, entry.ap_low) for entry in registry.entries]
    found["events"] = [(event.id, event.outcome, event.against, event.ap) for event in registry.events]
    found["comparisons"] = [(use.inputs.id, use.decision, use.share) for use in registry.ledger.uses]
    found["rounds"] = [(asked.number, asked.selection_sha256) for asked in read_rounds(root / "data/rounds")]
    return found


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """What differs between two outcomes, by path or topic."""
    return sorted(key for key in one.keys() | other.keys() if one.get(key) != other.get(key))


def _content(path: Path) -> Any:
    if path.name != "metrics.json":
        return sha256_file(path)
    return {key: value for key, value in json.loads(path.read_text()).items() if key not in TIMED}
