"""Pseudo-labels: what teachers say of unlabelled people, and which joints to believe.

`teachers.py` asks the teachers, `filters.py` judges their answers. Adding a filter: a function over the teachers'
opinions in `filters.py`, and its tolerance in `PseudoLabelParams`.
"""
