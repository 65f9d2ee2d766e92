"""The study of training recipes (`compare-recipes`).

In reading order: `plan.py` (recipes as params, and the runs), `paces.py` (for equal time), `runner.py` (experiments of
DVC), `score.py` (test people that no recipe learns from), `report.py` and `plot.py`. Adding a recipe: a line in the
table of `plan.py`.
"""
