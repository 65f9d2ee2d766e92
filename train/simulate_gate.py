"""Simulate the gate's own policy: how often it promotes models that are not better, and how often it finds better ones.

`command` runs the trials of `studies.gate_trials` and writes two tables: false promotions over campaigns, and power
over true gain, people and correlation of the two models.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer
from scipy import stats

from dataengine.errors import InputError, ParamsError
from dataengine.files import atomic_path
from dataengine.parallel.parallel_map import parallel_map
from dataengine.params import load_section
from dataengine.terminal.folders import out_file_option, out_folder_option
from dataengine.terminal.options import PARAMS_FILE, Cluster, ParamsFile, seed_option
from dataengine.terminal.speech import say

from .gate.comparison import Comparison, read_verdict
from .gate.policy import Budgets, CompareParams
from .studies.gate_trials import BLOCK, GROUPINGS, Block, CampaignOutcome, Kind, Setting, logits_of_gain, run_block

CAMPAIGNS: tuple[tuple[Kind, int], ...] = (
    ("photos", 500),
    ("photos", 2000),
    ("video", 110),
    ("video", 500),
)
GROUP_CORRELATIONS = (0.03, 0.2, 0.5)
LARGEST_GROUP_CORRELATION = 0.95  # that can be simulated; a comparison of few people may measure more
CORRELATIONS = (0.8, 0.9, 0.95)
GAINS = (0.005, 0.01, 0.02, 0.03)
PEOPLE = (500, 1000, 2000, 5000)
TARGET = (0.02, 2000, 0.9)  # gain, people and correlation of the cell that gets as many trials as the campaigns


@dataclass(frozen=True)
class PromotionCount:
    """How many trials of a setting ended in a promotion."""

    setting: Setting
    trials: int
    promoted: int
    without_shares: int


def command(
    out: Annotated[Path, out_file_option(help="Markdown file for the tables.")],
    state: Annotated[
        Path, out_folder_option(help="Folder for finished blocks; a run that was stopped continues from it.")
    ],
    verdict: Annotated[
        Path | None, typer.Option(help="verdict.json of a comparison, to simulate the correlations that it measured.")
    ] = None,
    campaigns: Annotated[int, typer.Option(help="Campaigns of identical models for each row.")] = 1000,
    trials: Annotated[int, typer.Option(help="Comparisons for each cell of the power table.")] = 200,
    resamples: Annotated[int, typer.Option(help="Resamples of each comparison.")] = 2000,
    seed: Annotated[int, seed_option(help="Seed of all random draws.")] = 0,
    workers: Annotated[int, typer.Option(help="Processes; 0 for one per core.")] = 0,
    minutes: Annotated[
        float, typer.Option(help="Begin no block after this long, 0 for no limit; the tables hold what is done.")
    ] = 0,
    cluster: Cluster = None,
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Measure the policy's false promotions over campaigns of rounds, and its power, on models of known difference.

    Needs only the policy, section `compare` of the params; change it there and run again to see what that costs. Writes
    the tables to --out. After a change of code delete the --state folder.

    A campaign compares compare.uses candidates with one champion on one test set; all are equally good on the
    population, each with its own luck. It ends wrongly if any is promoted, which must happen in no more than
    compare.alpha of them. Groups of pictures are simulated at several correlations within a group (of the difference of
    two models' logits of OKS), once known to the gate and once not; --verdict adds those of a real pair.

    Power is the share of candidates, better by a true gain, that are promoted in one comparison; it depends on how
    alike the two models err, which verdict.json gives for a real pair as `correlation`.

    Example: dataengine simulate-gate --out docs/results/gate_simulation.md --state data/cache/simulate-gate
    """
    if min(campaigns, trials) < 1 or resamples < 500:
        raise ParamsError("too few trials or resamples", expected="1 or more trials of 500 or more resamples")
    policy = simulated_policy(load_section(params, "compare", CompareParams), resamples)
    logits = logits_of_gain([0.0, *GAINS], seed)
    real = None if verdict is None else measured_correlations(read_verdict(verdict))
    settings = settings_of(policy, campaigns, trials, real)
    until = time.time() + 60 * minutes if minutes else math.inf
    rows = simulate_gate(
        policy, settings, logits, seed=seed, state=state, workers=workers or None, until=until, cluster=cluster
    )
    options = f"--campaigns {campaigns} --trials {trials} --resamples {resamples} --seed {seed}"
    options = options if verdict is None else f"--verdict {verdict} {options}"
    line = f"dataengine simulate-gate --out {out} --state {state} {options}"
    with atomic_path(out) as path:
        path.write_text(simulation_page(policy, rows, line), encoding="utf-8")
    say(f"wrote {out}")


def simulated_policy(policy: CompareParams, resamples: int) -> CompareParams:
    """`policy` without what simulated models lack: latency, size and calibration."""
    return replace(policy, resamples=resamples, budgets=Budgets(None, None, None))


def measured_correlations(comparison: Comparison) -> tuple[float, float]:
    """What a comparison found for its two models, and for people of one unit, where that is largest."""
    inside = [each.group_correlation for each in comparison.dependence if each.group_correlation is not None]
    if comparison.correlation is None or not inside:
        fix = "give a comparison of two models with several people in a group, of a camera or of a moment"
        raise InputError("the verdict measured no correlation of groups", fix=fix)
    return round(comparison.correlation, 2), round(min(max(*inside, 0.0), LARGEST_GROUP_CORRELATION), 2)


def settings_of(
    policy: CompareParams, campaigns: int, trials: int, real: tuple[float, float] | None = None
) -> list[tuple[Setting, int]]:
    """Every setting with its number of trials; those that the policy is judged by come first.

    `real`: correlations as `measured_correlations` gives them.
    """
    middle = CORRELATIONS[1]
    pairs = [(middle, inside) for inside in GROUP_CORRELATIONS] + ([] if real is None else [real])
    campaign_settings = [
        (Setting(kind, people, alike, 0.0, policy.uses, inside, groups), campaigns)
        for kind, people in CAMPAIGNS
        for alike, inside in (pairs if kind == "video" else pairs[:1])
        for groups in (GROUPINGS if kind == "video" else GROUPINGS[:1])
    ]
    power_settings = [
        (Setting("photos", people, alike, gain, 1), campaigns if (gain, people, alike) == TARGET else trials)
        for alike in CORRELATIONS
        for people in PEOPLE
        for gain in GAINS
    ]
    power_settings.sort(key=lambda each: ((each[0].gain, each[0].people) != TARGET[:2], each[0].correlation != middle))
    return campaign_settings + power_settings


def simulate_gate(
    policy: CompareParams,
    settings: Sequence[tuple[Setting, int]],
    logits: dict[float, float],
    *,
    seed: int,
    state: Path,
    workers: int | None = None,
    until: float = math.inf,
    cluster: str | None = None,
) -> list[PromotionCount]:
    """Run all trials, or read them from `state`; those that could not begin before the time `until` are missing."""
    blocks = [
        Block(
            setting,
            policy,
            logits[setting.gain],
            seed=seed,
            first=first,
            count=min(BLOCK, count - first),
            state=state,
            until=until,
        )
        for setting, count in settings
        for first in range(0, count, BLOCK)
    ]
    outcomes = parallel_map(run_block, blocks, description=f"x{BLOCK} trials", workers=workers, cluster=cluster)
    return [
        _row(setting, [t for b, each in zip(blocks, outcomes, strict=True) if b.setting == setting for t in each])
        for setting, _ in settings
    ]


def simulation_page(policy: CompareParams, rows: Sequence[PromotionCount], line: str) -> str:
    """The command, the assumption, the tables."""
    guards = ", ".join(policy.guarded.slices) or "none"
    lines = [
        "# The gate on simulated models",
        "",
        f"    {line}",
        "",
        f"Policy: {policy.primary.kind} by more than {100 * policy.primary.margin:g} AP; {100 * policy.alpha:g} % "
        f"false promotions in {policy.uses} comparisons, {100 * policy.share:g} % each; guards ({guards}) within "
        f"{100 * policy.guarded.margin:g} AP, simulated on the hardest third of the people and on the others.",
        "Models, people and their correlation: `dataengine/evaluation/analysis/simulation.py`; AP is about 57.",
        "In brackets the 95 % interval of the share itself (Wilson).",
        "",
        f"## Identical models: campaigns of {policy.uses} rounds on one test set",
        "",
        "Video: groups of five pictures. In a group: correlation of two of its people in the difference of the models.",
        "Groups known: the gate resamples them. In order: it takes each picture for its own, those of a group follow",
        "each other by name. Unknown: their names say nothing. Without shares: a promotion in each round by the",
        f"two-sided {policy.level:.0%} interval alone, as if it were the only one.",
        "",
        "| test set | people | models | in a group | groups | with a false promotion | without shares |",
        "|---|---:|---:|---:|---|---:|---:|",
    ]
    for row in rows:
        if row.setting.rounds > 1:
            lines.append(_campaign_line(row))
    for correlation in sorted({row.setting.correlation for row in rows if row.setting.rounds == 1}):
        lines += ["", f"## Promoted in one comparison, correlation {correlation:g}", ""]
        lines += _power_table([r for r in rows if r.setting.rounds == 1 and r.setting.correlation == correlation])
    return "\n".join(lines) + "\n"


def _campaign_line(row: PromotionCount) -> str:
    setting = row.setting
    inside, groups = ("-", "-") if setting.kind == "photos" else (f"{setting.group_correlation:g}", setting.groups)
    return (
        f"| {setting.kind} | {setting.people:,} | {setting.correlation:g} | {inside} | {groups} "
        f"| {_share(row.promoted, row.trials)} | {_share(row.without_shares, row.trials)} |"
    )


def _power_table(rows: Sequence[PromotionCount]) -> list[str]:
    """One line per number of people, one column per true gain."""
    gains = sorted({row.setting.gain for row in rows})
    head = " | ".join(f"{100 * gain:+g} AP" if gain else "0 AP" for gain in gains)
    lines = [f"| people | {head} |", "|---:" * (len(gains) + 1) + "|"]
    for people in sorted({row.setting.people for row in rows}):
        cells = {row.setting.gain: _share(row.promoted, row.trials) for row in rows if row.setting.people == people}
        lines.append(f"| {people:,} | " + " | ".join(cells[gain] for gain in gains) + " |")
    return lines


def _row(setting: Setting, trials: Sequence[CampaignOutcome]) -> PromotionCount:
    return PromotionCount(setting, len(trials), sum(t.promoted for t in trials), sum(t.without_shares for t in trials))


def _share(count: int, trials: int) -> str:
    if not trials:
        return "not run"
    interval = stats.binomtest(count, trials).proportion_ci(method="wilson")
    return f"{100 * count / trials:.1f} % ({100 * interval.low:.1f} to {100 * interval.high:.1f}) of {trials:,}"
