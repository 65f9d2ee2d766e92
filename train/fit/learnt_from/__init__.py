"""What a fit learns from: the people, and which of them each epoch draws.

In reading order: `curriculum.py` (phases), `replay.py` (people of an earlier round), `training_set.py` (the people and
their draws), `reading.py` (from the files of the stages before).
"""
