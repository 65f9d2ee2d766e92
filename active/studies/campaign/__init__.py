"""The campaign: whole rounds of the engine played through on a labelled pool, against labels and renders without aim.

In reading order: `plan.py` (arms, rounds, names), `places.py` (where a round's files lie), `settings.py` (its
params.yaml and dvc.yaml), `overrides.py` (`--set`), `programs.py` (one command, run once), `answers.py` (the labels of
what a round asked for), `playing.py` (a round, from labels to requests), `outcome.py` (its figures), `runner.py` (what
is kept, and where a campaign goes on), `versus.py` (two arms under the gate), `page.py` and `plot.py`. Every step of a
round is the command that a project runs.

Adding an arm: a line in `ARMS`.
"""
