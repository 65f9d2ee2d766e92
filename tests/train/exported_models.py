"""Exports for tests: small calibration, loose limits, the engine too."""

from pathlib import Path

from dataengine.train.deploy.params import ExportParams, GraphParams, Int8Params, MaxApDrop
from dataengine.train.export import run

PARAMS = ExportParams(
    calibration_crops=16,
    calibration_method="minmax",
    engine=True,
    typical_batch=8,
    max_batch=32,
    max_ap_drop=MaxApDrop(fp32=0.001, fp16=0.03, int8=0.15, engine=0.03),
    int8=Int8Params(aim_ap_drop=0.15, most_in_float=2),
    latency_runs=3,
    threads=1,
    seed=0,
    graph=GraphParams(takes="crops"),
)


def export_to(round_folder: Path, checkpoint: str, out: Path, params: ExportParams = PARAMS) -> Path:
    """Export one of `round_folder`'s checkpoints to `out`, the report next to it. Run it with `round_folder` as cwd."""
    run(
        params,
        student=round_folder / checkpoint,
        calibration=round_folder / "train.json",
        val=round_folder / "val.json",
        out=out,
        report=out.parent / "report",
    )
    return out
