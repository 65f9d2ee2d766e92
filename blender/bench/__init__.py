"""Benchmarks of rendering, run by ``python -m dataengine.bench``.

`render.py`, and `noting.py` for what its workers do.

Adding one: a module with ``run() -> Iterator[Figure]`` and a line in `dataengine.bench.BENCHMARKS`.
"""
