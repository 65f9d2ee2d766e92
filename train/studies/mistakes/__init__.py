"""How well label mistakes are found: mistakes made on purpose, looked for, measured, and put right.

`inject.py` makes them, `area.py` and `measure.py` say how well the search ranks them, `relabel.py` what putting right
the first of the ranking does to a student, `runner.py` does it all, `report.py` writes the page. Adding a kind of
mistake: a function in `inject.py` and a line in its `MAKERS`, and what ranks it in `measure.py`.
"""
