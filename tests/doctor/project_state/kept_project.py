"""A small project in which everything is as it should be.

It has git and DVC, a registry of two models with their store, labels of two pictures, and the record of a selection.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from dataengine.doctor.project_state.asked import selection_digest
from dataengine.doctor.project_state.finding import StateFinding
from dataengine.doctor.project_state.kept import Kept, read_kept
from dataengine.files import sha256_file
from dataengine.registry.ledger import ComparedInputs, Ledger, TestUse, pictures_name
from dataengine.registry.records import Registry
from dataengine.registry.registry_file import write_registry
from dataengine.rounds.asked import enter_round
from dataengine.train.gate.policy import policy_hash

from ...helpers.drawn_people import draw_people_at
from ...helpers.dvc_checkout import dvc, enter_new_checkout, git, repository_file
from ...helpers.label_files import labelled
from ...registry.test_records import entry, event

IGNORED = "/data/?*\n!/data/labels/\n/data/labels/pictures/\n!/data/rounds/\n/models/?*\n!/models/registry.json\n"
PICTURES = ("0" * 12,)


def new_kept_project(folder: Path, patch: pytest.MonkeyPatch) -> Path:
    """Make the project in `folder`, which becomes the working folder; everything is committed."""
    root = enter_new_checkout(folder, patch)
    options = "--labels data/labels --rounds data/rounds --out data/select"
    stages = {
        "select": {"cmd": f"cp -r source data/select # {options}", "deps": ["source"], "outs": ["data/select"]},
        "promote": {
            "cmd": "mkdir -p models/registry",
            "deps": ["models/registry.json"],
            "outs": [{"models/registry": {"persist": True}}],
        },
    }
    write_models()
    Path(".gitignore").write_text(IGNORED)
    write_selection(Path("source"))
    enter_round(
        Path("data/rounds"),
        selection_sha256=selection_digest(Path("source")),
        choice={"strategy": "random"},
        picks={"p": {"rank": 1}},
    )
    labelled(*draw_people_at(folder.with_name("pool"), 2, seed=0))
    ledger = ledger_of(1)
    policy = repository_file("params.yaml")["compare"]
    sections = {
        "registry": {"file": "models/registry.json", "store": "models/registry"},
        "compare": {
            **policy,
            "champion": "a",
            "round": 2,
            "policy": policy_hash(policy, "COCO"),
            "ledger": ledger.head,
        },
        "oks": {"sigmas": ""},
        "requests": {"folder": "data/requests", "open": []},
        "mix": {"labels": [str(path) for path in Path("data/labels").glob("*.json")]},
    }
    Path("params.yaml").write_text(yaml.safe_dump(sections))
    Path("dvc.yaml").write_text(yaml.safe_dump({"stages": stages}))
    dvc("add", "-q", "data/labels/pictures")
    dvc("repro", "-q")
    git("add", "-A")
    git("commit", "-q", "-m", "project")
    return root


def write_models() -> None:
    """Models a (archived) and b (champion), each with one file, and one comparison."""
    registry = Registry(ledger=ledger_of(1))
    for name in "ab":
        path = Path("models/registry") / name / "model.onnx"
        path.parent.mkdir(parents=True)
        path.write_text(f"network {name}")
        made = entry(name)
        made.files["model.onnx"] = sha256_file(path)
        registry = registry.with_champion(made).with_event(event(name, f"comparison {name}", "promoted"))
    write_registry(Path("models/registry.json"), registry)


def ledger_of(lines: int) -> Ledger:
    """A ledger of different comparisons on one test set."""
    ledger = Ledger()
    for number in range(lines):
        inputs = ComparedInputs(
            candidate=f"candidate {number}",
            champion="a",
            test_sha256="t",
            version="1",
            pictures=pictures_name(PICTURES),
            parts_sha256="p",
            policy="q",
            runner="onnx-cpu",
            oks_sigmas="COCO",
        )
        ledger = ledger.with_use(TestUse("2026-01-01T00:00:00+00:00", inputs, 0.005, "reject", f"e{number}"), PICTURES)
    return ledger


def write_selection(folder: Path) -> None:
    """What `select` leaves, as far as a selection's hash goes over it."""
    folder.mkdir()
    (folder / "to_label.json").write_text(json.dumps({"images": {"p": {"rank": 1}}}))
    for name in ("scored.json", "labelled.json"):
        (folder / name).write_text("{}")


def copy_of(project: Path, folder: Path) -> Kept:
    """The project in another folder, where a test may do as it likes."""
    shutil.copytree(project, folder, symlinks=True)
    subprocess.run(["git", "-C", str(folder), "update-index", "-q", "--refresh"], check=False)
    return read_kept(folder, folder / "params.yaml")


def files_of(root: Path) -> dict[str, bytes]:
    """Content by path of all that the project keeps; what git and DVC keep for themselves is left out."""
    paths = (path for path in root.rglob("*") if path.is_file() and not {".git", ".dvc"} & set(path.parts))
    return {str(path.relative_to(root)): path.read_bytes() for path in paths}


def put_right(found: Iterator[StateFinding]) -> list[str]:
    """Make every repair; what each was about."""
    about = []
    for each in list(found):
        assert each.repair is not None, each.result.found
        each.repair()
        about.append(each.result.found)
    return about
