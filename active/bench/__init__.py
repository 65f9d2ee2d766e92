"""Benchmarks of selection, run by ``python -m dataengine.bench select``.

Adding one: a module with ``run() -> Iterator[Figure]`` and a line in `dataengine.bench.BENCHMARKS`.
"""
