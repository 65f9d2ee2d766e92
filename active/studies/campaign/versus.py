"""Two arms under the gate: the last model of one as champion, that of the other as candidate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataengine.evaluation.analysis.interval import Interval
from dataengine.files import read_json
from dataengine.registry.records import Registry
from dataengine.registry.registry_file import write_registry
from dataengine.typed_record import RECORDS

from .places import RoundFolder
from .plan import CampaignPlan
from .programs import RoundPrograms
from .settings import write_settings

RARE = "rare=yes"


@dataclass(frozen=True, kw_only=True)
class Versus:
    """One arm against another, in one seed."""

    arm: str
    against: str
    seed: int
    gain: Interval | None
    """In AP, paired; None where the gate had no champion to compare with."""
    rare_gain: Interval | None
    verdict: str
    reason: str


def compare_arms(
    folder: RoundFolder,
    *,
    champion: RoundFolder,
    candidate: RoundFolder,
    test: Path,
    document: Mapping[str, Any],
    plan: CampaignPlan,
    names: tuple[str, str],
    seed: int,
    log: Path,
) -> Versus:
    """Compare `candidate` with `champion`, whose rounds lie in these folders; `names` are those of their arms."""
    programs = RoundPrograms(folder, log)
    if not folder.params.exists():
        write_registry(folder.of("registry.json"), Registry())
        own: dict[str, Any] = {"seed": seed, "library_renders": 1, "synthetic": False, "pseudo": False}
        write_settings(folder, {**document, "compare": {**document["compare"], "floor_ap": 0.0}}, plan, **own)
    store = ("--registry", folder.of("registry.json"), "--store", folder.of("registry"))
    for step, model in (("champion", champion), ("candidate", candidate)):
        out = folder.of(step)
        programs.once(f"begin-{step}", "begin-round", "--params", folder.params)
        programs.once(
            f"compare-{step}", "compare", "--candidate", model.of("export"), "--test", test, *store, "--balance",
            champion.of("gate-balance"), "--out", out, "--params", folder.params, given=[model.of("export/model.json")],
        )  # fmt: skip
        if step == "champion":
            programs.once(
                "promote", "promote", "--comparison", out, "--candidate", model.of("export"), *store, "--out",
                folder.of("promote"), "--params", folder.params, given=[out / "verdict.json"],
            )  # fmt: skip
    verdict = read_json(folder.of("candidate/verdict.json"))
    return Versus(
        arm=names[0],
        against=names[1],
        seed=seed,
        gain=interval_of(verdict["gain"]),
        rare_gain=interval_of(slice_of(verdict, RARE).get("gain")),
        verdict=str(verdict["verdict"]),
        reason=str(verdict["reason"]),
    )


def interval_of(value: Any) -> Interval | None:
    """An interval as a verdict has it."""
    return None if value is None else RECORDS.record(Interval, value, "interval")


def slice_of(verdict: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A slice's row; an empty one where the verdict lacks it."""
    return next((row for row in verdict["slices"] if row["name"] == name), {})
