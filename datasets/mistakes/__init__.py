"""What `find-mistakes` doubts, as findings of a checked set, so that its page ranks them with everything else.

`findings.py` adds them. Another tool's suspects would come in the same way: a function that returns a set with more
findings, and a line in the table of `checks/finding.py`.
"""
