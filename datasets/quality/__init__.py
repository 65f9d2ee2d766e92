"""The quality report of a labelled set: what the checks found, with pictures of what they doubt.

In reading order: `intake.py` (from an adapter's records to checked people with splits), `summary.py` (the findings as
one value), `pictures.py`, `report.py` and `template.py` (the page). Adding a section to the page: a field of
`summary.py`, then its place in `template.py`.
"""
