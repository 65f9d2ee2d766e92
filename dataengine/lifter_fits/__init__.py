"""Lifters fitted on what teachers see, and how good they are.

`teacher_tracks.py`: labelled films as teachers see them. `drawn_tracks.py`: held-out motions before cameras.
`accuracy.py`: MPJPE and PA-MPJPE of lifted tracks. `fit_lifter.py` and `compare_lifters.py`: the commands, the latter
with `trials.py` and `lifters_page.py`.
"""
