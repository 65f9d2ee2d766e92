"""Requests: what the failures of a round ask the next one to render and to have labelled.

In reading order: `record.py` (one request, and its file), `folder.py` (all of a project, and how their state changes),
`pinned.py` (section `requests` of params.yaml: which of them a run follows). `dataengine request` writes them,
`dataengine begin-round` pins them, `render` and `select` follow them. Adding a source of requests: `active/asking/`.
"""
