"""The study of fine-tuning rounds (`compare-rounds`).

In reading order: `plan.py` (the fits), `runner.py` (DVC experiments), `report.py`. Adding a kind of round: a line in
`plan.py`.
"""
