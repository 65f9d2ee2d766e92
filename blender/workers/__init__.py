"""Processes of another Python: the one in which Blender's module is installed, with packages of its own.

Nothing of one Python reaches the other but files (JSON, npz, pictures) and short JSON messages. In the order of use:

- `interpreter`: which Python that is, and whether it can render;
- `job`: what a worker is to build, as JSON; `messages`: what it and its parent say to each other;
- `process`: the parent's end, which starts a worker and ends it;
- `boot`, then `serve`: the worker's end;
- `ask`: a worker for a single answer.

requirements.txt pins what that Python needs. A worker's code, all that it imports, needs no more
(tests/blender/workers/test_closure.py).
"""
