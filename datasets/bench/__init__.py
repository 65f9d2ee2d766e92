"""Benchmarks of ingest and balance, run by ``python -m dataengine.bench``.

Adding one: a module with ``run() -> Iterator[Figure]`` and a line in `dataengine.bench.BENCHMARKS`.
"""
