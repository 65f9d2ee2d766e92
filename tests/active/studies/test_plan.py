"""What a study lists, and which names change with what."""

from dataclasses import replace

import pytest

from dataengine.active.choice.strategies import STRATEGIES
from dataengine.active.query.select_params import ScoreWeights, SelectParams
from dataengine.active.studies.fitting import SECTIONS
from dataengine.active.studies.plan import RULES, START, Round, StudyPlan
from dataengine.active.study import parse_study_plan
from dataengine.errors import InputError
from dataengine.studies.settings import with_settings

PLAN = StudyPlan(
    rules=("random", "entropy"),
    seeds=(0, 1),
    start=20,
    step=10,
    rounds=2,
    candidates=50,
    people=64,
    epochs=1,
    warm=False,
    settings={},
)
SELECT = SelectParams(
    budget=4,
    strategy="herding",
    min_gap_frames=1,
    appearance_weight=0.3,
    seed=0,
    fiftyone=False,
    dataset="unused",
    weights=ScoreWeights(jitter=2.0, rarity=1.0),
)
OPTIONS = {
    "rules": ["entropy", "random"],
    "seeds": [0, 1, 0],
    "start": 20,
    "step": 10,
    "rounds": 2,
    "candidates": 50,
    "people": 64,
    "epochs": 1,
    "warm": False,
    "settings": [],
}


def test_all_rules_of_a_seed_share_their_first_fit() -> None:
    trials = PLAN.trials()
    assert trials == parse_study_plan(**OPTIONS).trials()  # type: ignore[arg-type]
    assert [trial for trial in trials if not trial.number] == [Round(START, 0, 0), Round(START, 1, 0)]
    assert len(trials) == len(set(trials)) == 2 * (1 + 2 * 2)
    for trial in trials:
        if trial.number:
            assert trials.index(trial.before) < trials.index(trial), "its network is there when it chooses"
    assert [PLAN.labels(trial) for trial in trials if trial.rule != "random"] == [20, 30, 40] * 2


def test_a_name_changes_with_what_decides_the_round_and_with_nothing_else() -> None:
    first, later = Round(START, 0, 0), Round("entropy", 0, 2)
    more = replace(PLAN, rules=tuple(RULES), seeds=(0, 5), rounds=9)
    of_choice = [replace(PLAN, step=11), replace(PLAN, candidates=51), replace(PLAN, warm=True)]
    of_all = [replace(PLAN, start=21), replace(PLAN, people=65), replace(PLAN, settings={"fit.batch": "8"})]
    for trial in (first, later):
        own = PLAN.name(trial, "data")
        assert more.name(trial, "data") == own
        assert PLAN.name(trial, "other data") != own
        assert all(other.name(trial, "data") != own for other in of_all)
        assert all((other.name(trial, "data") == own) == (trial == first) for other in of_choice)


def test_rules_are_those_of_select_and_ask_for_nothing_that_a_study_lacks() -> None:
    for rule in RULES.values():
        assert rule.strategy in STRATEGIES
        weights = rule.weights(SELECT)
        assert all(weights[name] == 0 for name in ("teacher", "second", "rarity"))
    assert RULES["herding"].weights(SELECT)["jitter"] == 2.0
    assert {name for name, weight in RULES["peaks"].weights(SELECT).items() if weight} == {"peaks"}
    assert not any(RULES["core-set"].weights(SELECT).values())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rules": ["guess"]}, "--rule is unknown"),
        ({"step": 0}, "--step is too small"),
        ({"start": 0}, "--start is too small"),
        ({"candidates": 9}, "--candidates is too small: expected 10"),
        ({"epochs": 3}, "divisor of --people"),
        ({"seeds": [-1]}, "--seed is negative"),
        ({"settings": ["fit-teacher.seed=1"]}, "--set cannot be used"),
        ({"settings": ["render.images=1"]}, "--set changes what no fit reads"),
    ],
)
def test_options_that_make_no_study_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_study_plan(**{**OPTIONS, **change})  # type: ignore[arg-type]


def test_settings_are_laid_over_the_sections_that_a_fit_reads() -> None:
    document = {"fit": {"batch": 32, "augment": {"shift": 0.1, "scale": 0.2}}, "render": {"images": 3}, "oks": None}
    laid = with_settings(
        document, SECTIONS, {"fit.augment.shift": "0", "fit-teacher.start_from": "null", "fit.losses": "{a: 1}"}
    )
    assert laid == {
        "fit": {"batch": 32, "augment": {"shift": 0, "scale": 0.2}, "losses": {"a": 1}},
        "fit-teacher": {"start_from": None},
        "oks": {},
    }
    assert document["fit"] == {"batch": 32, "augment": {"shift": 0.1, "scale": 0.2}}
