"""Benchmarks of rendering, run by ``python -m dataengine.bench``.

`render.py` is the benchmark, `noting.py` what its workers do.

Adding a benchmark: a module with ``run() -> Iterator[Figure]`` and a line in `dataengine.bench.BENCHMARKS`.
"""
