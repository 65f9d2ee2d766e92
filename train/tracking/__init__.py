"""Tracking: who is who from frame to frame.

`overlap_links.py` links people by how much their boxes overlap. Adding a tracker: a module with the same call.
"""
