"""A run shown to people in FiftyOne: a view rebuilt from files, never the only copy.

Read `run_tables.py` and `curating.py` (what is shown), `people_figures.py` and `champion.py` (figures of people),
`records.py` (one record per picture), `documents.py` and `inserting.py` (records as the database keeps them), then
`fiftyone_view.py`, which builds the dataset, or updates it by `updating.py` and `handwork.py`. `fields.py`, `views.py`
and `brain_map.py` are what the App shows; `database.py` and `database_turn.py` open the database. Adding a field: a
line in `fields.py`, set in `records.py` from a file, so that the dataset can be dropped and rebuilt at any time.
"""
