"""Keypoint formats in and out: one file for each, a table that names them all.

In reading order: `content.py` (what a reader returns), `table.py` (`FORMATS`), `coco_like.py` and `persons.py` (what
most readers share), `joints.py`, `pictures.py`, `stated_sizes.py`, `writing.py` and `mat_files.py` (helpers), then any
format. How to add a format stands in `table.py`.
"""
