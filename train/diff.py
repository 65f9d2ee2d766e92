"""Two models of the registry side by side: figures, params, hashes of data, code revisions, and files that differ."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from dataengine.errors import InputError
from dataengine.files import flat_items, sha256_file, short_sha256
from dataengine.params import load_section
from dataengine.registry.records import Entry, Registry, RegistryParams
from dataengine.registry.registry_file import read_registry
from dataengine.terminal.options import PARAMS_FILE, ParamsFile

from .gate.comparison import VERDICT_FILE, read_verdict


@dataclass(frozen=True)
class Difference:
    """One line: what differs, and both values as text, "-" where there is none."""

    part: str  # figures, params, data, code, files
    name: str
    first: str
    second: str


def command(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="Id of a model, the beginning of one, or the word champion.")
    ],
    other: Annotated[str, typer.Argument(metavar="OTHER", help="The model to compare it with.")],
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Show what differs between two models of the registry: figures, params, data hashes, code revisions, files.

    Reads the registry (registry.file) and, for the figures, the verdict that each model's own comparison left in the
    store (registry.store). Figures of different test sets, or by different sigmas of OKS, do not compare, which the
    table then says. What is equal is left out; nothing is written. `dataengine history` lists the ids.

    Example: dataengine diff 3d832ce40a80 champion
    """
    paths = load_section(params, "registry", RegistryParams)
    run(model, other, registry=Path(paths.file), store=Path(paths.store))


def run(model: str, other: str, *, registry: Path, store: Path) -> None:
    """Print the differences of two entries."""
    from rich.console import Console
    from rich.table import Table

    content = read_registry(registry)
    first, second = entry_named(model, content), entry_named(other, content)
    rows = list(differences(first, second, store))
    table = Table("", "", f"{first.id} ({first.state})", f"{second.id} ({second.state})")
    for row in rows:
        table.add_row(row.part, row.name, row.first, row.second)
    console = Console()
    console = console if console.is_terminal else Console(width=220)  # no value may be broken in a pipe
    console.print(table if rows else f"{first.id} and {second.id} do not differ.")
    for entry in (first, second):
        path = store / entry.id / VERDICT_FILE
        if path.is_file() and not _is_promoted_verdict(path, entry):
            line = f"{path} is not the verdict that the registry names: figures of {entry.id} are left out."
            console.print(line, soft_wrap=True)
    if first.test_sha256 != second.test_sha256:
        console.print("The figures come from different test sets and cannot be compared.")
    if first.oks_sigmas != second.oks_sigmas:
        console.print("The figures count OKS by different sigmas and cannot be compared.")


def entry_named(word: str, registry: Registry) -> Entry:
    """The entry that `word` names: an id, the only one that begins so, or the champion.

    Raises:
        InputError: no entry begins so, or several do.
    """
    if word == "champion" and registry.champion is not None:
        return registry.champion
    matching_entries = [entry for entry in registry.entries if word and entry.id.startswith(word)]
    if len(matching_entries) != 1:
        entry_ids = ", ".join(entry.id for entry in registry.entries) or "none"
        got = f"{len(matching_entries)} models" if word else "an empty string"
        raise InputError(
            f"{word!r} does not name exactly one model of the registry", expected=f"one of: {entry_ids}", got=got
        )
    return matching_entries[0]


def differences(first: Entry, second: Entry, store: Path) -> Iterator[Difference]:
    """What differs, in the order of the parts."""
    both = first, second
    yield from _differences_of("figures", *(_figures(entry, store) for entry in both))
    yield from _differences_of("params", *(_params(entry) for entry in both))
    yield from _differences_of("data", *(_data(entry) for entry in both))
    yield from _differences_of("code", *({"revision": str(entry.lineage.get("code_revision", ""))} for entry in both))
    yield from _differences_of("files", *(_short(entry.files | entry.records) for entry in both))


def _differences_of(part: str, first: Mapping[str, str], second: Mapping[str, str]) -> Iterator[Difference]:
    for name in {**first, **second}:
        values = first.get(name, "-"), second.get(name, "-")
        if values[0] != values[1]:
            yield Difference(part, name, *values)


def _figures(entry: Entry, store: Path) -> dict[str, str]:
    ap = f"{entry.ap:.4f} [{entry.ap_low:.3f}, {entry.ap_high:.3f}]"
    figures = {"AP": ap, "test set": short_sha256(entry.test_sha256), "sigmas of OKS": entry.oks_sigmas}
    path = store / entry.id / VERDICT_FILE
    if path.is_file() and _is_promoted_verdict(path, entry):
        candidate_figures = read_verdict(path).candidate.figures
        figures |= {name: f"{value:.4f}" for name, value in candidate_figures.items() if name != "AP"}
    return figures


def _is_promoted_verdict(path: Path, entry: Entry) -> bool:
    return sha256_file(path) == entry.records.get(VERDICT_FILE)


def _params(entry: Entry) -> dict[str, str]:
    params = flat_items(entry.lineage.get("student", {}).get("params", {}))
    return {name: str(value) for name, value in params}


def _data(entry: Entry) -> dict[str, str]:
    """Hashes of weights, training data with its labels, and of what the export read."""
    student = entry.lineage.get("student", {})
    hashes = {"weights": entry.lineage.get("student_sha256", ""), "training": student.get("data_sha256", "")}
    return _short(dict(flat_items(hashes | dict(entry.lineage.get("data_sha256", {})))))


def _short(hashes: Mapping[str, Any]) -> dict[str, str]:
    return {name: short_sha256(str(value)) for name, value in hashes.items()}
