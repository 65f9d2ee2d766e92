"""Drift: whether the pool still looks like what was learnt from, tested film by film.

In reading order: `films.py` (people in groups that were taken together), `two_sample.py` (the test), `power.py` (what
shift it would have seen), `drift.py` (both tests of a round, in words, and which films are new).
"""
