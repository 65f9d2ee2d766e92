"""Keypoint formats in and out: one file for each.

In reading order: `reading/` (what a reader returns, who is a person, which joint is which), `coco_like.py`,
`coco_records.py` and `persons.py` (what most readers share), `pictures.py`, `picture_search.py`, `writing.py` and
`mat_files.py` (helpers), then any format; those of annotation tools are in `tools`. `dataengine/format_table.py` names
them all, and says how to add one.
"""
