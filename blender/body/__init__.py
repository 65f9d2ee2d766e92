"""The parametric body as plain arrays: in any shape and pose, on its feet, and not running into itself.

In reading order: `arrays.py` (the cache file and the arithmetic over it), `model.py` (shape and pose to vertices),
`support.py` (which parts touch the floor), `collision.py` (self-intersection). Adding a property of the body: store it
in `arrays.py`, raise the cache's version in `prepare_body.py`, and read it in `model.py`.
"""
