"""Checks of a labelled set: of each picture, each person, and of the set as a whole.

In reading order: `finding.py` (what a check says, and the table of checks), `checking.py` (runs them all, in order),
then `duplicates.py`, `person_boxes.py`, `limbs.py`, `sides.py`, `teacher_sides.py`, `near_duplicates.py` and
`params.py`; pictures are read and hashed in the kernel (`leakage`). Adding a check: a line in the table of
`finding.py`, a function that returns findings, and its place in `checking.py`.
"""
