"""The gate: evidence about a candidate and a champion, the policy's demands, the verdict.

In reading order: `policy.py` (section `compare`), `models.py` (a model on the test set), `evidence.py` (resampled AP),
`checks.py` (the demands), `verdict.py`, `comparison.py` (the verdict's file), `report/` (the page). Adding a demand: a
check in `checks.py` and the field of `policy.py` that states it.
"""
