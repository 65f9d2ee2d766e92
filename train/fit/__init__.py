"""Fitting a network: resumable, on one or several processes, from any start.

In reading order: `params.py`; the package `learnt_from`; `data.py` (what a fit is given); `origin.py` and `start.py`
(first weights); `loop.py` (the fit) with `run.py`, `networks.py`, `epochs.py`, `step.py`, `schedule.py`, `state.py` and
the package `steps`; then the package `consistency` (people without labels), `distill.py`, `forgetting.py`; what is
shown: `progress.py`, `report.py`; and `options.py`, the options of both stages. Adding a param: a field of `params.py`
with its docstring and check; every field but `loader` enters the fingerprint without further work.
"""
