"""Studies: many fits that differ in one thing, run as experiments of DVC and compared over seeds.

In reading order: `study.py` (the runner: which trials are missing, run, page), `params_study.py` (what studies share
that fit without DVC), `settings.py` (the command line, checked) with `sections.py` (sections that another room reads),
`dvc_project.py` (experiments and their results), `seed_spread.py` (means and intervals over seeds), `page.py` (the text
and the plot), `logged_call.py` (programs of their own, with a log), `network_figures.py` (what a fit is worth),
`spent_time.py` (what a trial has taken, killed calls among it), `one_at_a_time.py` (a folder is one process's),
`shared_pictures.py` (sets that must be apart).
`scene_interval.py` is for pages that need no fits: intervals over scenes. `interval_coverage.py` is another matter: the
command `simulate-coverage`.

Adding a study: in a room's `studies/`, a folder with `plan.py` (the trials, and the params of each), `runner.py` (a
subclass of `Study`) and `report.py` (the page); a command in the room's root that parses its options into the plan.
A trial's name must hold a `json_hash` of all that decides its result, or a study takes old results for new ones.
"""
