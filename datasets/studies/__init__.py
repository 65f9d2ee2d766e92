"""Reports of studies of the data: `mix_report.py` for `sweep-mix`, `recipes/` for `compare-recipes`.

What all studies share lies in `dataengine.studies`. Adding a study: a command in the room's root, its plan, runner and
report here.
"""
