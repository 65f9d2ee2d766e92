"""A plan that the tests of the study of recipes share."""

from dataengine.datasets.studies.recipes.plan import RECIPES, RecipePlan

PLAN = RecipePlan(
    recipes=tuple(RECIPES),
    labels=(200, 800),
    once=(3200,),
    seeds=(0, 1, 2),
    rendered=(300, 1000),
    people=20_000,
    epochs=4,
    patience=0,
    settings={"fit-teacher.batch": "16"},
    held_out={"ingest.split.test_share": "0.1"},
)
