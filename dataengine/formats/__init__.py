"""Keypoint formats in and out: one file for each, a table that names them all.

In reading order: `reading/` (what a reader returns, who is a person, which joint is which), `table.py` (`FORMATS`),
`coco_like.py`, `coco_records.py` and `persons.py` (what most readers share),
`pictures.py`, `writing.py` and `mat_files.py` (helpers), then any format. How to add a format stands
in `table.py`.
"""
