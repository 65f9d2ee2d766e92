"""The gate: evidence about a candidate and a champion, the policy's demands, the verdict.

In reading order: `policy.py` (section `compare`), `compared_set.py` (the test set), `models.py` (a model on it),
`measured.py` (what was measured, and its file), `evidence.py` (resampled AP), `checks.py` (the demands), `verdict.py`,
`conclusion.py` (from what was measured to the verdict), `comparison.py` (the verdict's file) and `full_comparison.py`
(what fills it), `report/` (the page). Adding a demand: a check in `checks.py` and the field of `policy.py` that states
it.
"""
