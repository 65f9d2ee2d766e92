"""The selection shown to people in FiftyOne: a view rebuilt from files, never the only copy.

`fiftyone_view.py` builds the dataset and its saved view. Adding a field: read it from `manifest/files.py`, so that the
dataset can be dropped and rebuilt at any time.
"""
