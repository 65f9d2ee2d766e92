"""A batch of pictures: which are missing, the processes that make them, and the labels assembled from all of them.

In reading order: `paths.py` (where the files of an image lie), `sources.py` (which code decides a picture),
`workforce.py` (worker processes), `records.py` (from sidecars to people.json). Nothing here decides a pixel: what does
belongs to a sub-package that `sources.STILLS` names.
"""
