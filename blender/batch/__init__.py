"""A batch of pictures: which are missing, the processes that make them, and the labels assembled from all of them.

In reading order: `paths.py` (where the files of an image are), `sources.py` and `fingerprint.py` (what an image depends
on), `workforce.py` (supervised worker processes), `shards.py` (these on a cluster), `missing.py` (makes what is
missing), `records.py` (from sidecars to `People`), `quality.py` (what was taken again or left out), `labels.py`
(people.json and the contact sheet). Nothing here decides a pixel: code that does belongs in a sub-package that
`sources.STILLS` names.
"""
