"""The parametric body as plain arrays: in any shape and pose, on its feet, and not running into itself.

In reading order: `cache.py` (the cache, built once), `build.py` (from Anny to the file of arrays in it; the one file
here that needs torch), `arrays.py` (the arithmetic over those arrays), `model.py` (from shape and pose to vertices),
`support.py` (which parts touch the floor), `collision.py` (self-intersection). Adding a property of the body: store it
in `build.py`, raise the number in `arrays.ARRAYS_FILE`, and read it in `model.py`.
"""
