"""Networks taught by films without labels, for fits to begin with (`pretrain`).

In reading order: `params.py`; `inputs.py` (what the command is given, checked); `films.py` (followed people as crops),
`allowed.py` (which frames may be learnt from), `blocks.py` (what is learnt and what is held out); the tasks, `order.py`
and `views.py`, with `shown.py` (crops as the network sees them); `tasks.py` (both at once), `fitting.py` (the fit,
resumable), `measuring.py` (whether anything was learnt), `written.py` (checkpoint and report). The command is
`pretrain.py`. Adding a task: a module with its draws, its layers and its accuracy, a weight in `params.py`, and its
place in `tasks.py` and `measuring.py`.
"""
