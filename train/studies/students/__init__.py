"""The study of students that learn from pictures without labels (`compare-students`).

In reading order: `plan.py` (recipes, trials, how many people each sees), `sets.py` (whose labels are hidden),
`labelling.py` (pseudo-labels, and how right they are), `outside.py` (teachers that learned elsewhere), `fits.py` (one
fit), `starts.py` (first weights), `runner.py` (trials, measured and kept), and
`page.py`. The command is `compare_students.py`. Adding a recipe: a line in the table of `plan.py`, and in `runner.py`
what it fits.
"""
