import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dataengine.errors import InputError, ParamsError
from dataengine.evaluation.analysis.simulation import SimulatedSet, drawn_people, simulated_model
from dataengine.evaluation.ap.matching import average_precision
from dataengine.inference.exported import load_exported
from dataengine.train import simulate_gate as gate_simulation
from dataengine.train.gate.comparison import read_verdict
from dataengine.train.gate.policy import Guards
from dataengine.train.studies import gate_trials
from dataengine.train.studies.gate_trials import Block, Setting, logits_of_gain, run_block

from .gate_round import PARAMS, Gate

POLICY = gate_simulation.simulated_policy(replace(PARAMS, guarded=Guards(["occlusion=*"], 0.05, 0.95, 20)), 500)


def block(tmp_path: Path, setting: Setting, logits: float, count: int = 6) -> Block:
    return Block(setting, POLICY, logits, seed=0, first=0, count=count, state=tmp_path)


def test_a_much_better_model_is_promoted_and_an_equal_or_worse_one_is_not(tmp_path: Path) -> None:
    setting = Setting("photos", 500, 0.9, 0.0, 1)
    for logits, promoted in ((0.6, 6), (0.0, 0), (-0.6, 0)):
        trials = run_block(block(tmp_path, setting, logits))
        assert sum(trial.promoted for trial in trials) == promoted


def test_a_finished_block_is_read_and_another_seed_or_policy_is_not(tmp_path: Path) -> None:
    one = block(tmp_path, Setting("photos", 300, 0.9, 0.0, 1), 0.1, count=2)
    trials = run_block(one)
    record = json.loads(one.file.read_text())
    record[0]["promoted"] = not record[0]["promoted"]
    one.file.write_text(json.dumps(record))
    assert run_block(one)[0].promoted is not trials[0].promoted
    assert run_block(replace(one, state=tmp_path / "fresh")) == trials
    names = {one.file, replace(one, seed=1).file, replace(one, policy=replace(POLICY, alpha=0.1)).file}
    assert len(names) == 3


def test_nothing_is_begun_when_it_is_too_late_and_what_is_done_is_kept(tmp_path: Path) -> None:
    late = replace(block(tmp_path, Setting("photos", 300, 0.9, 0.0, 1), 0.1, count=2), until=0.0)
    assert run_block(late) == []
    done = run_block(replace(late, until=float("inf")))
    assert len(done) == 2
    assert run_block(late) == done
    rows = gate_simulation.simulate_gate(
        POLICY,
        [(late.setting, 2), (replace(late.setting, people=301), 2)],
        {0.0: 0.1},
        seed=0,
        state=tmp_path,
        until=0.0,
    )
    assert [row.trials for row in rows] == [2, 0]
    assert "not run" in gate_simulation.simulation_page(POLICY, rows, "command")


def test_a_guarded_slice_stops_a_model_that_fails_on_it(tmp_path: Path) -> None:
    """The simulation's guards are the real ones: with an absurd margin nothing passes them."""
    setting = Setting("photos", 500, 0.9, 0.0, 1)
    strict = replace(POLICY, guarded=Guards(["occlusion=*"], 0.0, 0.999999, 20))
    trials = run_block(replace(block(tmp_path, setting, 0.25), policy=strict))
    free = run_block(
        replace(block(tmp_path, setting, 0.25), policy=replace(strict, guarded=replace(strict.guarded, slices=[])))
    )
    assert sum(t.promoted for t in trials) < sum(t.promoted for t in free)


def test_logits_give_the_gain_asked_for_on_another_population() -> None:
    logits = logits_of_gain([0.0, 0.02], seed=0)
    people = drawn_people(SimulatedSet(100_000, in_labelled_boxes=True), np.random.default_rng(9))
    values = [
        average_precision(simulated_model(people, logits[gain], np.random.default_rng(8))) for gain in (0.0, 0.02)
    ]
    assert logits[0.0] == 0
    assert values[1] - values[0] == pytest.approx(0.02, abs=0.001)


def test_parts_of_the_simulation_are_slices(tmp_path: Path) -> None:
    """A part's AP is that of its people alone where every image holds one person."""
    people = drawn_people(SimulatedSet(400, in_labelled_boxes=True), np.random.default_rng(0))
    hard = people.ease < np.quantile(people.ease, 1 / 3)
    matches = simulated_model(people, 0.0, np.random.default_rng(1))
    parts = gate_trials._parts(people, hard, matches)
    assert parts["occlusion=some"].persons.sum() == hard.sum()
    assert parts["occlusion=none"].persons.sum() == (~hard).sum()
    assert average_precision(parts["occlusion=some"]) < average_precision(parts["occlusion=none"])


def test_the_command_writes_both_tables_and_goes_on_where_it_stood(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate_simulation, "CAMPAIGNS", (("video", 110),))
    monkeypatch.setattr(gate_simulation, "PEOPLE", (300,))
    monkeypatch.setattr(gate_simulation, "CORRELATIONS", (0.8, 0.9))
    monkeypatch.setattr(gate_simulation, "GAINS", (0.0, 0.03))
    params = Path(__file__).parents[2] / "params.yaml"
    pages = []
    for name in ("one.md", "two.md"):
        gate_simulation.command(
            out=tmp_path / name,
            state=tmp_path / "state",
            campaigns=3,
            trials=3,
            resamples=500,
            workers=1,
            params=params,
        )
        pages.append((tmp_path / name).read_text().replace(name, ""))
    assert pages[0] == pages[1]
    assert pages[0].count("| video | 110 | 0.9 | 0.2 |") == 3
    assert "of 3 |" in pages[0]
    assert pages[0].count("## Promoted in one comparison") == 2
    with pytest.raises(ParamsError, match="trials"):
        gate_simulation.command(out=tmp_path / "x.md", state=tmp_path, trials=0)


def false_promotions(groups: gate_trials.Grouping, inside: float, tmp_path: Path, count: int = 100) -> int:
    """Single comparisons of identical models on 500 people in groups of five pictures, promoted by a loose policy."""
    loose = replace(POLICY, alpha=0.05, uses=1, warn_from=1, guarded=replace(POLICY.guarded, slices=[]))
    setting = Setting("video", 500, 0.9, 0.0, 1, inside, groups)
    trials = run_block(replace(block(tmp_path, setting, 0.0, count), policy=loose))
    return sum(trial.promoted for trial in trials)


def test_known_groups_keep_the_promise_and_pictures_taken_for_their_own_break_it(tmp_path: Path) -> None:
    """5 in 100 are granted: more than 11 would be chance once in 200 times."""
    assert false_promotions("known", 0.5, tmp_path) <= 11
    assert false_promotions("unknown", 0.5, tmp_path) > 11
    assert false_promotions("in order", 0.5, tmp_path) <= 11, "neighbours by name were merged"


def test_correlations_are_taken_from_a_verdict(gate: Gate, exported: dict[str, Path]) -> None:
    gate.compare(exported["good"], replace(PARAMS, floor_ap=0.0))
    first = read_verdict(gate.root / "compare" / "verdict.json")
    with pytest.raises(InputError, match="no correlation of groups"):
        gate_simulation.measured_correlations(first)
    gate.promote(exported["good"])
    gate.compare(exported["bad"], replace(PARAMS, champion=load_exported(exported["good"]).id))
    second = read_verdict(gate.root / "compare" / "verdict.json")
    models, inside = gate_simulation.measured_correlations(second)
    assert second.correlation is not None and models == pytest.approx(second.correlation, abs=0.005)
    (by_group,) = second.dependence
    assert by_group.kind == "group" and by_group.units == by_group.clusters == 10
    assert by_group.group_correlation is not None
    assert inside == pytest.approx(max(by_group.group_correlation, 0), abs=0.005)
    settings = [setting for setting, _ in gate_simulation.settings_of(POLICY, 1, 1, (models, inside))]
    assert {s.groups for s in settings if (s.correlation, s.group_correlation) == (models, inside)} == {
        "known",
        "in order",
        "unknown",
    }
