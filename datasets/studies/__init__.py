"""Studies of the data: `mix/` for `sweep-mix`, `recipes/` for `compare-recipes`; each has plan, runner and report.

What all studies share lies in `dataengine.studies`, which says how to add one.
"""
