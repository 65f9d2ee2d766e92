"""The study of the ratio of synthetic to real people (`sweep-mix`).

In reading order: `plan.py` (ratios and seeds as params), `runner.py` (experiments of DVC), `report.py` (table, verdict,
plot).
"""
