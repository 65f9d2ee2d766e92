"""Whether a round that is killed at any moment resumes to the result that it has undisturbed.

Read `tiny_project.py` (a project whose round takes seconds), `warm_python.py` (its commands without their imports),
`workshop.py` (where both meet), `outcome.py` (what of a round has to be the same) and `killing.py` (a try: start, kill
the process group, resume; and one on a full disk, `small_disk.py`). Another mishap is a function like those two;
`dataengine/bench/rounds.py` counts.
"""
