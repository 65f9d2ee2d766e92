"""What all studies share: experiments of DVC, spread over seeds, simulated coverage.

In reading order: `dvc_project.py` (experiments and their results), `seed_spread.py` (intervals over seeds),
`interval_coverage.py` (the command `simulate-coverage`).
"""
