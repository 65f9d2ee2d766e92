"""`dataengine doctor --project`: whether what the project keeps agrees with itself, and what can be put right at once.

Read `finding.py` (what a check yields), `kept.py` (where everything lies, and what runs in the project), then the
checks by topic: `left_behind.py` (drafts and locks of processes that died), `models.py` (registry, store, pins),
`labels.py` (labels and their pictures), `asked.py` (what rounds asked for), `dvc_files.py` (dvc.lock and the files it
names) and `committed.py` (what git has). `restoring.py` has the repairs, `examination.py` puts all together and
`pages.py` shows it.

Adding a check: a function from `Kept` to findings, on the list in `examination.py`. A finding may bring a repair only
if that loses nothing: it removes what no run can use, brings back bytes that are known by their hash, or first sets
aside what it replaces. What needs a decision is left to the user, with the command in `fix`.
"""
