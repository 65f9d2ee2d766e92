"""What `diff` shows of two models of a registry, and what it says where a kept verdict is not what was promoted."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from dataengine.errors import InputError
from dataengine.files import sha256_file
from dataengine.inference.exported import load_exported
from dataengine.registry.records import Entry
from dataengine.registry.registry_file import write_registry
from dataengine.train import diff

from .gate_round import PARAMS, Gate

NO_GUARDS = replace(PARAMS.guarded, slices=[])


@pytest.fixture
def two(compared: Gate, exported: dict[str, Path]) -> Gate:
    """The bad model waits as candidate next to the champion."""
    compared.promote(exported["good"])
    good = load_exported(exported["good"]).id
    compared.compare(exported["bad"], replace(PARAMS, champion=good, min_clusters=1000, guarded=NO_GUARDS))
    assert compared.promote(exported["bad"])["outcome"] == "not enough evidence"
    return compared


def entries(gate: Gate, exported: dict[str, Path]) -> tuple[Entry, Entry]:
    registry = gate.read()
    return registry.entry(load_exported(exported["good"]).id), registry.entry(load_exported(exported["bad"]).id)


def figures(gate: Gate, first: Entry, second: Entry) -> dict[str, tuple[str, str]]:
    rows = diff.differences(first, second, gate.store)
    return {row.name: (row.first, row.second) for row in rows if row.part == "figures"}


def test_figures_are_those_of_each_models_own_verdict(two: Gate, exported: dict[str, Path]) -> None:
    good, bad = entries(two, exported)
    kept = json.loads((two.store / good.id / "verdict.json").read_text())["models"]["candidate"]["figures"]
    shown = figures(two, good, bad)
    assert shown["AP"][0].startswith(f"{good.ap:.4f} [")
    assert shown["PCK@0.2"][0] == f"{kept['PCK@0.2']:.4f}"
    assert shown["AP50"][0] != shown["AP50"][1] != "-"


def test_a_changed_verdict_in_the_store_is_left_out_and_named(
    two: Gate, exported: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = entries(two, exported)
    path = two.store / good.id / "verdict.json"
    path.write_text(path.read_text().replace("0.", "0.9", 1))
    assert figures(two, good, bad)["AP50"][0] == "-"
    capsys.readouterr()
    diff.run(good.id, bad.id, registry=two.registry, store=two.store)
    out = capsys.readouterr().out
    assert f"{path} is not the verdict that the registry names: figures of {good.id} are left out." in out.replace(
        "\n", " "
    )
    assert f"figures of {bad.id} are left out" not in out


def test_a_verdict_that_cannot_be_read_is_one_clear_line(two: Gate, exported: dict[str, Path]) -> None:
    good, bad = entries(two, exported)
    path = two.store / good.id / "verdict.json"
    record = json.loads(path.read_text())
    del record["correlation"]  # as before that figure was kept
    path.write_text(json.dumps(record))
    registry = two.read()
    old = replace(good, records=good.records | {"verdict.json": sha256_file(path)})
    write_registry(two.registry, replace(registry, entries=(old, bad)))
    with pytest.raises(InputError, match=r"verdict\.json is not a verdict .*lacks a key: expected correlation"):
        diff.run(good.id, bad.id, registry=two.registry, store=two.store)
