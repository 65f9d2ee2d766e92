"""Study of trust: how often accepted joints are right, against what was asked.

`measure.py` calibrates on one half of a labelled set and measures on the other and on sets that calibration never saw;
`page.py` writes the page and its plot. Adding a set: an option of the command, no code.
"""
