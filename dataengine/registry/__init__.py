"""The registry of models, kept in git, and the store of their files.

`records.py` is the file and its changes, `store.py` the folders of promoted models. Adding a field to an entry:
optional in `records.py`, so that older registries are read.
"""
