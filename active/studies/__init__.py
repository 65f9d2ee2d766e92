"""The study of selection rules (`study`): rounds of labelling played through on people whose labels are known.

In reading order: `plan.py` (rules, rounds, names), `sets.py` (pool, validation, test), `choosing.py` (a rule's picks),
`fitting.py` (a fit is a process of its own), `pool_study.py` (what it shares with `campaign`), `runner.py` (what is
kept, and where a study goes on), `curves.py` (areas, labels saved, when to stop), `forecasts.py` (how good one-round-
ahead forecasts were), `report.py`, `plot.py`; `campaign/` is a study of its own.

Adding a rule: a line in `RULES` of `plan.py`.
"""
