"""Where real data comes from: the default wheels, the user's own sets, and frames of videos.

`wheels.py` names the pinned downloads, `user_sources.py` the sources of params.yaml, `frames.py` writes video frames,
`pool.py` the pool without what is held out; `refusals.py` stops `ingest`.
Adding a download: its URL-free name, version, sha256 and members in `wheels.py`.
"""
