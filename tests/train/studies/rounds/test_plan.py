"""What the study of rounds runs: the order of the fits and their params."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from dataengine.train.studies.rounds.plan import FULL, OWNED, ROUND, Variant

from ....helpers.dvc_checkout import assert_known_params
from .example_plan import PLAN

SHARES = st.sampled_from([0.0, 0.1, 0.3, 1 / 3, 0.5, 0.75])


def test_fits_go_seed_by_seed_and_the_full_one_comes_first() -> None:
    fits = PLAN.fits()
    assert len(fits) == len(set(fits)) == 9
    assert [seed for _, seed in fits] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert {variant.kind for variant, _ in fits[::3]} == {FULL}


@given(SHARES, st.integers(2, 50_000), st.integers(1, 5))
def test_fits_of_a_kind_see_as_many_people(share: float, people: int, epochs: int) -> None:
    plan = replace(PLAN, people=people, epochs=epochs, shares=(share,))
    seen = plan.seen(Variant(ROUND, share, 0.8))
    assert abs(seen - people) <= epochs * (1 + 1 / (1 - share)), "rounding, once for new and once for old people"


def test_fits_as_params() -> None:
    full = PLAN.params_of(Variant(FULL, 0.5, 1.0), 1)
    plain, replayed = (PLAN.params_of(Variant(ROUND, share, 0.8), 1) for share in (0.0, 0.5))
    assert full["fit-teacher.start_from"] == "null" and "fit-teacher.learning_rate" not in full
    assert full["fit-teacher.people_per_epoch"] == "10000" and full["fit-teacher.replay.share"] == "0.5"
    assert plain["fit-teacher.pretrained"] == "null" and "fit-teacher.pretrained" not in full
    assert plain["fit-teacher.start_from"] == "models/base" and plain["fit-teacher.learning_rate"] == "0.0005"
    assert plain["fit-teacher.replay.mix"] == "null" and plain["fit-teacher.people_per_epoch"] == "2500"
    assert replayed["fit-teacher.replay.mix"] == "data/round-1/mix"
    assert replayed["fit-teacher.people_per_epoch"] == "1250"
    for params in (full, plain, replayed):
        assert params["fit-teacher.old_test"] == "data/round-1/ingest/test.json" and params["fit-teacher.batch"] == "16"
    assert_known_params({key for params in (full, plain) for key in params} | {f"fit-teacher.{key}" for key in OWNED})
