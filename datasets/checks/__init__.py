"""Checks of a labelled set: of each picture, each person, and of the set as a whole; `checking.py` runs them all."""
