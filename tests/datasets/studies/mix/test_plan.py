"""What the sweep over the ratio runs."""

from fractions import Fraction

from dataengine.datasets.studies.mix.plan import OWNED, MixPlan, MixTrial

from ....helpers.dvc_checkout import assert_known_params

PLAN = MixPlan((Fraction(0), Fraction(1, 3), Fraction(1)), (0, 1), "fit-student", {"fit-teacher.epochs": "2"})


def test_trials_go_seed_by_seed() -> None:
    assert [trial.seed for trial in PLAN.trials()] == [0] * 3 + [1] * 3
    assert len({trial.text() for trial in PLAN.trials()}) == 6
    assert PLAN.trials()[1].text() == "mix-1per3-seed0"


def test_what_a_trial_sets() -> None:
    teacher = MixPlan((), (), "fit-teacher", {"fit-teacher.epochs": "2"}).params_of(MixTrial(Fraction(1, 6), 4))
    assert list(teacher.items()) == [
        ("mix.synthetic_per_real", "0.16666666666666666"),
        ("mix.seed", "4"),
        ("fit-teacher.seed", "4"),
        ("fit-teacher.epochs", "2"),
    ]
    student = MixPlan((), (), "fit-student", {}).params_of(MixTrial(Fraction(1), 2))
    assert student == {
        "mix.synthetic_per_real": "1.0",
        "mix.seed": "2",
        "fit-teacher.seed": "2",
        "fit-student.seed": "2",
    }
    assert_known_params(set(student) | OWNED)
