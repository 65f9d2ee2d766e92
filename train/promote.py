"""Carry out a comparison's verdict: copy the artefacts into the store, then change the registry in one step.

The verdict is not believed: `promotion.checked_comparison` decides again from the evidence, and a verdict that says
otherwise is refused. What follows happens under the registry's lock. The order makes a kill harmless: a copied folder
that no entry names is used by the rerun, and the registry is either the old file or the new one. A model that is
neither promoted nor refused is kept too, as a candidate that may still become champion.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from dataengine.errors import InputError
from dataengine.evaluation.ap.protocol import COCO
from dataengine.evaluation.own_sigmas import load_protocol
from dataengine.files import write_json
from dataengine.inference.exported import ExportedModel, load_exported
from dataengine.params import load_section
from dataengine.registry.records import Entry, Event, EventOutcome, Registry, State
from dataengine.registry.registry_file import locked, read_registry, write_registry
from dataengine.registry.store import keep
from dataengine.terminal.folders import folder_option, out_folder_option
from dataengine.terminal.options import PARAMS_FILE, ParamsFile
from dataengine.terminal.speech import answer

from .gate.comparison import VERDICT_FILE, Comparison
from .gate.measured import EVIDENCE_FILE
from .gate.policy import CompareParams
from .promotion.checked_comparison import CheckedComparison, checked_comparison

PROMOTION, REPORT_FILE = "promotion.json", "report.html"
_TAKEN_BACK_FIX = "train another candidate; to have this one all the same, name it in promote.again ({id})"
_HELD_FIX = "run `dataengine begin-round`, then `dvc repro`: the candidate is compared with the new champion"


@dataclass(frozen=True)
class PromoteParams:
    """Section `promote` of params.yaml."""

    dry_run: bool
    """Only say what would happen; the store and the registry stay as they are."""
    again: list[str]
    """Ids of models that may be promoted although a rollback took them back."""


@dataclass(frozen=True)
class Promotion:
    """What became of a verdict."""

    outcome: EventOutcome
    reason: str
    fix: str = ""


def command(
    comparison: Annotated[Path, folder_option(help="Folder that `dataengine compare` wrote.")],
    candidate: Annotated[Path, folder_option(help="Folder that `dataengine export` wrote.")],
    registry: Annotated[Path, typer.Option(help="The registry file.")],
    store: Annotated[Path, out_folder_option(help="Folder for the artefacts of promoted models.")],
    out: Annotated[Path, out_folder_option(help="Folder for promotion.json.")],
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Make the candidate champion if its verdict says so; record the outcome in any case.

    Copies the candidate's files to the store unless it is refused, and makes a promoted one champion in the registry;
    with promote.dry_run it only says what would happen. A refused candidate is not an error: the outcome and its reason
    are in promotion.json and in the registry, which `dataengine history` lists. If another model has become champion
    since this round began, the candidate is held; so is a model that a rollback took back, unless promote.again names
    it. Running it again changes nothing.

    The decision is made again from evidence.npz by section compare, and a verdict.json that says otherwise is refused.

    Example: dataengine promote --comparison reports/compare --candidate models/export --registry models/registry.json --store models/registry --out reports/promote
    """  # noqa: E501  an example is one line to copy
    section = load_section(params, "promote", PromoteParams)
    policy = load_section(params, "compare", CompareParams)
    run(
        section,
        policy,
        comparison=comparison,
        candidate=candidate,
        registry=registry,
        store=store,
        out=out,
        oks_sigmas=load_protocol(params).sigmas_name,
    )


def run(
    params: PromoteParams,
    policy: CompareParams,
    *,
    comparison: Path,
    candidate: Path,
    registry: Path,
    store: Path,
    out: Path,
    oks_sigmas: str = COCO.sigmas_name,
) -> None:
    """Carry out the verdict in `comparison`, if its evidence bears it by `policy`; write promotion.json to `out`.

    `oks_sigmas` is the name of the sigmas that the verdict has to count by. The store is there afterwards, if empty.
    """
    checked = checked_comparison(comparison, policy, oks_sigmas)
    verdict, model = checked.verdict, load_exported(candidate)
    if model.id != verdict.candidate.id:
        raise InputError(
            f"{comparison} is about another model",
            expected=f"a verdict on {model.id}",
            got=verdict.candidate.id,
            fix="run `dataengine compare` again",
        )
    store.mkdir(parents=True, exist_ok=True)  # a first model may be refused, and DVC wants its outputs
    with locked(registry):
        before = read_registry(registry)
        checked.require_known_evidence(before.ledger)
        # `compare` has entered the comparison, unless DVC took its result from the run cache
        line = checked.line(datetime.now(UTC).isoformat(timespec="seconds"), policy)
        entered = replace(before, ledger=before.ledger.with_use(line, checked.measured.facts.pictures))
        promotion = decide(checked, model, entered, params.again)
        if not params.dry_run:
            after = _carried_out(promotion, checked, model, entered, comparison=comparison, store=store)
            if after != before:
                write_registry(registry, after)
    write_json(
        out / PROMOTION,
        {
            "outcome": promotion.outcome,
            "candidate": model.id,
            "against": verdict.champion_id,
            "reason": promotion.reason,
            "fix": promotion.fix,
            "dry_run": params.dry_run,
        },
    )
    fix = f" Next: {promotion.fix}." if promotion.fix else ""
    answer(f"{promotion.outcome}{' (dry run)' if params.dry_run else ''}: {promotion.reason}{fix}")


def decide(checked: CheckedComparison, model: ExportedModel, registry: Registry, again: Sequence[str]) -> Promotion:
    """What the verdict comes to with the registry as it is now; models in `again` may return after a rollback."""
    verdict, champion = checked.verdict, registry.champion.id if registry.champion else ""
    if verdict.verdict == "reject":
        return Promotion("refused", verdict.reason)
    if verdict.verdict == "not-enough-evidence":
        return Promotion("not enough evidence", verdict.reason, "label more test images, or improve the candidate")
    if champion != model.id and registry.was_promoted(checked.verdict_sha256):
        reason = f"This verdict was carried out before, and {champion} is champion since: it promotes only once."
        return Promotion("held", reason, f"`dataengine rollback --to {model.id}` makes the model champion again")
    if champion not in (model.id, verdict.champion_id):
        began = f"The round began against {verdict.champion_id or 'no champion'}"
        return Promotion("held", f"{began}; {champion} has become champion in the meantime.", _HELD_FIX)
    facts = checked.measured.facts
    earlier = registry.ledger.earlier(facts.inputs, facts.pictures)
    number, spent = 1 + len(earlier), sum(use.share for use in earlier)
    if (number, spent) != (verdict.test.use, verdict.test.spent):
        uses = f"this is comparison {number} on its test set, not {verdict.test.use} as the verdict assumed"
        return Promotion("held", f"The share of error of this round is spent: {uses}.", _HELD_FIX)
    back = registry.taken_back(model.id, str(model.sidecar["lineage"].get("student_sha256", "")))
    if back is not None and model.id not in again:
        reason = f"A rollback to {back.id} took this model back ({back.at}): {back.reason}"
        return Promotion("held", reason, _TAKEN_BACK_FIX.format(id=model.id))
    return Promotion("promoted", verdict.reason)


def _carried_out(
    promotion: Promotion,
    checked: CheckedComparison,
    model: ExportedModel,
    before: Registry,
    *,
    comparison: Path,
    store: Path,
) -> Registry:
    """The registry after the promotion; the artefacts are in the store then, if they have to be."""
    now, verdict = datetime.now(UTC).isoformat(timespec="seconds"), checked.verdict
    state_before = {entry.id: entry.state for entry in before.entries}.get(model.id)
    entry = partial(_entry, model=model, verdict=verdict, comparison=comparison, store=store, now=now)
    after = before
    if promotion.outcome == "promoted" and state_before != "champion":
        after = after.with_champion(entry("champion"))
    elif promotion.outcome == "refused" and state_before == "candidate":
        after = after.without(model.id)
    elif promotion.outcome in ("held", "not enough evidence") and state_before is None:
        after = after.with_candidate(entry("candidate"))
    return after.with_event(
        Event(
            at=now,
            id=model.id,
            outcome=promotion.outcome,
            against=verdict.champion_id,
            ap=verdict.ap.value,
            oks_sigmas=verdict.test.oks_sigmas,
            reason=promotion.reason,
            comparison_sha256=checked.verdict_sha256,
        )
    )


def _entry(
    state: State, *, model: ExportedModel, verdict: Comparison, comparison: Path, store: Path, now: str
) -> Entry:
    """The model's entry, once its artefacts, verdict and report are in the store."""
    names = [name for name in (VERDICT_FILE, EVIDENCE_FILE, REPORT_FILE) if (comparison / name).is_file()]
    stored, records = keep(model, {name: comparison / name for name in names}, store)
    return Entry(
        id=stored.id,
        state=state,
        promoted_at=now,
        ap=verdict.ap.value,
        ap_low=verdict.ap.low,
        ap_high=verdict.ap.high,
        test_sha256=verdict.test.sha256,
        oks_sigmas=verdict.test.oks_sigmas,
        files=stored.sha256,
        lineage=dict(stored.sidecar["lineage"]),
        records=records,
    )
