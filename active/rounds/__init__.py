"""One whole round as a command: what it starts from, who may run it, how far it has come, and the page that it leaves.

In reading order: `committed.py` (inputs, and whether git holds them), `lock.py` (one round at a time), `journal.py`
(steps that are done), `setting.py` (what a round is run with), `steps.py` (running a step), `order.py` (all of them),
`facts.py` (what a round did, from files that stages left), `template.py`, `change_request.py` and `page.py`. Records of
rounds that ended are `dataengine/rounds/whole.py`. Adding a step: a line in `STEPS` of `order.py`, with what it is a
function of.
"""
