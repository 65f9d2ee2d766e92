"""Whether a round that is killed at any moment resumes to the result that it has undisturbed.

Read `tiny_project.py` (a project whose round takes seconds), `warm_python.py` (its commands without their imports),
`outcome.py` (what of a round has to be the same) and `killing.py` (a try: start, kill the process group, resume).
Another mishap is a function of `killing.py`'s kind; `dataengine/bench/rounds.py` counts.
"""
