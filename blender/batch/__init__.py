"""A batch of pictures: which are missing, the processes that make them, and the labels assembled from all of them.

In reading order: `paths.py` (where the files of an image lie), `sources.py` and `fingerprint.py` (what a picture
depends on), `workforce.py` (worker processes, supervised), `missing.py` (makes what is missing), `records.py` (sidecars
to `People`), `labels.py` (people.json and the contact sheet). Nothing here decides a pixel: what does belongs to a
sub-package that `sources.STILLS` names.
"""
