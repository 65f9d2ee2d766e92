"""A plan that the tests of the study of rounds share."""

from pathlib import Path

from dataengine.train.studies.rounds.plan import RoundPlan

PLAN = RoundPlan(
    stage="fit-teacher",
    base=Path("models/base"),
    old=Path("data/round-1"),
    shares=(0.0, 0.5),
    layer_decays=(0.8,),
    learning_rate=0.0005,
    full_share=0.5,
    seeds=(0, 1, 2),
    people=5_000,
    full_people=40_000,
    epochs=2,
    settings={"fit-teacher.batch": "16"},
)
