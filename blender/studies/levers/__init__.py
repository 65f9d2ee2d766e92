"""The study of the renderer's levers (`compare-renders`): render sets that differ in one thing, each fitted and scored.

In reading order: `lever.py` (a lever, and the file of them), `levers.yaml` (those that the command ships with),
`chosen.py` (pictures by what they show), `render_sets.py` (the pictures of each), `fit_runs.py` (a network fitted on
them by the stage fit-teacher), `study.py` (what is run, and what is known), `page.py` and `plot.py`. Adding a lever: an
entry in `levers.yaml`.
"""
