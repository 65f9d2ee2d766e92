"""Carry out a comparison's verdict: copy the artefacts into the store, then change the registry in one step.

Everything happens under the registry's lock. The order makes a kill harmless: a copied folder that no entry names is
taken up by the rerun, and the registry is either the old file or the new one.
"""

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from dataengine.errors import InputError
from dataengine.exported import SIDECAR, ExportedModel, load_exported
from dataengine.files import fresh_folder, read_json, sha256_file, write_json
from dataengine.params import load_section
from dataengine.registry import Entry, Event, Outcome, Registry, locked, read_registry, write_registry

from .verdict import VERDICT_FILE

PROMOTION = "promotion.json"
_HELD_MEND = "run `dataengine begin-round`, then `dvc repro`: the candidate is compared with the new champion"


@dataclass(frozen=True)
class PromoteParams:
    """Section `promote` of params.yaml."""

    dry_run: bool
    """Only say what would happen; store and registry stay as they are."""


@dataclass(frozen=True)
class Promotion:
    """What became of a verdict."""

    outcome: Outcome
    reason: str
    mend: str = ""


def command(
    comparison: Annotated[Path, typer.Option(help="Folder that `dataengine compare` wrote.")],
    candidate: Annotated[Path, typer.Option(help="Folder that `dataengine export` wrote.")],
    registry: Annotated[Path, typer.Option(help="The registry file.")],
    store: Annotated[Path, typer.Option(help="Folder for the artefacts of promoted models.")],
    out: Annotated[Path, typer.Option(help="Folder for promotion.json.")],
    params: Annotated[Path, typer.Option(help="File with section `promote`.")] = Path("params.yaml"),
) -> None:
    """Make the candidate champion if its verdict says so; record the outcome in any case.

    A refused candidate is no error: the outcome and its reason stand in promotion.json and in the registry, which
    `dataengine history` lists. If another model became champion since this round began, the candidate is held.
    Running it again changes nothing.

    Example: dataengine promote --comparison reports/compare --candidate models/export
    --registry train/registry.json --store models/registry --out reports/promote
    """
    run(load_section(params, "promote", PromoteParams), comparison, candidate, registry, store, out)


def run(params: PromoteParams, comparison: Path, candidate: Path, registry: Path, store: Path, out: Path) -> None:
    """Carry out the verdict in `comparison`; write promotion.json to `out`."""
    verdict = _read_verdict(comparison / VERDICT_FILE)
    model = load_exported(candidate)
    if model.id != verdict["candidate"]:
        raise InputError(
            f"{comparison} is about another model",
            expected=f"a verdict on {model.id}",
            got=str(verdict["candidate"]),
            mend="run `dataengine compare` again",
        )
    with locked(registry):
        before = read_registry(registry)
        promotion = decide(verdict, model.id, before)
        if not params.dry_run:
            _carry_out(promotion, verdict, sha256_file(comparison / VERDICT_FILE), model, before, registry, store)
    write_json(
        out / PROMOTION,
        {
            "outcome": promotion.outcome,
            "candidate": model.id,
            "against": verdict["champion"],
            "reason": promotion.reason,
            "mend": promotion.mend,
            "dry_run": params.dry_run,
        },
    )
    mend = f" Next: {promotion.mend}." if promotion.mend else ""
    print(f"{promotion.outcome}{' (dry run)' if params.dry_run else ''}: {promotion.reason}{mend}")


def decide(verdict: dict[str, Any], model_id: str, registry: Registry) -> Promotion:
    """What the verdict (content of verdict.json) comes to with the registry as it is now."""
    reason = str(verdict["reason"])
    if verdict["verdict"] == "reject":
        return Promotion("refused", reason)
    if verdict["verdict"] == "not-enough-evidence":
        return Promotion("not enough evidence", reason, "label more test images, or improve the candidate")
    champion = registry.champion.id if registry.champion else ""
    if champion not in (model_id, verdict["champion"]):
        now = f"{champion} became champion since"
        return Promotion("held", f"The round began against {verdict['champion'] or 'no champion'}; {now}.", _HELD_MEND)
    others = registry.uses(but=(model_id, str(verdict["champion"]))).get(str(verdict["test"]["sha256"]), 0)
    if champion != model_id and others >= verdict["test"]["use"]:
        used = f"the test set has served {others} other comparisons, and the verdict reckoned with fewer"
        return Promotion("held", f"The share of error of this round is spent: {used}.", _HELD_MEND)
    return Promotion("promoted", reason)


def _carry_out(
    promotion: Promotion,
    verdict: dict[str, Any],
    verdict_sha256: str,
    model: ExportedModel,
    before: Registry,
    registry: Path,
    store: Path,
) -> None:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    after = before
    if promotion.outcome == "promoted" and (before.champion is None or before.champion.id != model.id):
        stored = _store(model, store)
        after = after.promoted(_entry(stored, verdict, now))
    after = after.noted(
        Event(
            at=now,
            id=model.id,
            outcome=promotion.outcome,
            against=str(verdict["champion"]),
            ap=float(verdict["AP"]["value"]),
            reason=promotion.reason,
            comparison_sha256=verdict_sha256,
            test_sha256=str(verdict["test"]["sha256"]),
        )
    )
    if after != before:
        write_registry(registry, after)


def _entry(model: ExportedModel, verdict: dict[str, Any], now: str) -> Entry:
    return Entry(
        id=model.id,
        state="champion",
        promoted_at=now,
        ap=float(verdict["AP"]["value"]),
        ap_low=float(verdict["AP"]["low"]),
        ap_high=float(verdict["AP"]["high"]),
        test_sha256=str(verdict["test"]["sha256"]),
        files=model.sha256,
        lineage=dict(model.sidecar["lineage"]),
    )


def _store(model: ExportedModel, store: Path) -> ExportedModel:
    """The model's copy in the store, made unless a sound one is there (of a killed run, or of an earlier time)."""
    target = store / model.id
    try:
        return load_exported(target)
    except InputError:
        pass  # missing or damaged: copied anew
    with fresh_folder(target) as folder:
        for name in (*model.sha256, SIDECAR):
            shutil.copyfile(model.folder / name, folder / name)
        load_exported(folder)
    return load_exported(target)


def _read_verdict(path: Path) -> dict[str, Any]:
    verdict = read_json(path)
    needed = ("verdict", "reason", "candidate", "champion", "AP", "test")
    missing = [name for name in needed if not isinstance(verdict, dict) or name not in verdict]
    if missing:
        raise InputError(f"{path} is not a verdict", expected=", ".join(needed), mend="run `dataengine compare` again")
    if verdict["verdict"] not in ("promote", "reject", "not-enough-evidence"):
        raise InputError(f"{path} has an unknown verdict", got=repr(verdict["verdict"]))
    return dict(verdict)
