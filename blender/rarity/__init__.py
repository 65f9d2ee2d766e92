"""Poses and views that are rare among real people are rendered more: how rare each is, and the draw.

In reading order: `views.py` (what every pose looks like from around, and how rare that is among known poses; done once,
before any worker starts), `odds.py` (the probability of every pose and view, and the draw, in the workers).
"""
