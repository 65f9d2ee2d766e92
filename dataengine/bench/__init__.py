"""Benchmarks: ``python -m dataengine.bench [NAME]``; `BENCHMARKS` is the table.

Adding a benchmark: write a module here with ``run() -> Iterator[Figure]``, figures named ``<benchmark>.<what>``, and
add one line to `BENCHMARKS`. Yield each figure as soon as it is known: it is printed and recorded at once.
Where this machine lacks what a figure needs, yield a `record.Missing` in its place.
"""

BENCHMARKS: dict[str, str] = {
    "cli": "dataengine.bench.cli",
    "oks": "dataengine.bench.oks",
    "bootstrap": "dataengine.bench.bootstrap",
    "loader": "dataengine.bench.loader",
    "predict": "dataengine.bench.predict",
    "infer": "dataengine.bench.infer",
    "scale": "dataengine.bench.scale",
    "serve": "dataengine.train.bench.serve",
    "ingest": "dataengine.datasets.bench.ingest",
    "balance": "dataengine.datasets.bench.balance",
    "select": "dataengine.active.bench.selection",
    "fiftyone": "dataengine.active.bench.curation",
    "render": "dataengine.blender.bench.render",
    "fit": "dataengine.train.bench.fit",
    "starter": "dataengine.train.bench.starter",
    "distill": "dataengine.train.bench.distill",
    "video": "dataengine.train.bench.label_video",
    "export": "dataengine.train.bench.export",
    "int8": "dataengine.train.bench.int8_peers",
    "repro": "dataengine.bench.repro",
    "rounds": "dataengine.bench.rounds",
}
