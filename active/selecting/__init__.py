"""One run of `select`, step by step; `active/selection.py` is the command.

In reading order: `inputs.py` (what is read, and checked before anything is scored), `scores.py` (the networks' answers,
scored), `picks.py` (from scores to images within the budget) and `results.py` (the files). The work of each step is
done in `query/`, `choice/` and `manifest/`: here stands what follows what. Adding a step: a module here with a frozen
dataclass of what it leaves to the next ones.
"""
