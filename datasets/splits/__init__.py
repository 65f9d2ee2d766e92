"""Which split a sample belongs to, and the test set that no longer changes.

`assign.py` splits by time or by group, `protect.py` guards what is held out, `freeze.py` keeps the version and keys of
the test set. Adding a way to split: a
function in `assign.py` that depends on the sample alone, so that new data moves no sample.
"""
