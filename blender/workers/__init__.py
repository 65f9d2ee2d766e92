"""Processes of another Python: the one in which Blender's module is installed, with packages of its own.

Only files (JSON, npz, images) and short JSON messages pass from one Python to the other. In the order of use:

- `interpreter`: which Python that is, and whether it can render;
- `job`: what a worker is to build, as JSON; `messages`: what it and its parent say to each other;
- `process`: the parent's end, which starts and ends a worker;
- `boot`, then `serve`: the worker's end;
- `ask`: a worker for a single answer; `inventory`: the one answer that `interpreter` asks for.

requirements.txt pins what that Python needs; nothing that a worker imports needs more
(tests/blender/workers/test_closure.py). Adding a kind of work: a class with ``make(index)``, named in a `Job`.
"""
