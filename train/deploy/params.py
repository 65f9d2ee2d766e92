"""Section `export` of params.yaml."""

from dataclasses import dataclass, field

from .quantise import CalibrationMethod


@dataclass(frozen=True)
class MaxApDrop:
    """How much AP (0..1) each file may lose against PyTorch on the validation set."""

    fp32: float
    fp16: float
    int8: float
    """Of both INT8 files."""
    engine: float


@dataclass(frozen=True)
class ExportParams:
    """What is written, how it is calibrated, and what it may lose."""

    calibration_crops: int
    """Real training crops that INT8 ranges are taken from."""
    calibration_method: CalibrationMethod
    """How a range follows from what was seen."""
    engine: bool
    """Build a TensorRT engine."""
    typical_batch: int
    """Batch that the engine is tuned for, and that latency is measured at, as well as at 1."""
    max_batch: int
    """Largest batch that the engine takes."""
    max_ap_drop: MaxApDrop
    latency_runs: int
    threads: int
    """Threads ONNX Runtime may use."""
    seed: int
    """Chooses the calibration crops."""
    engine_capabilities: list[float] = field(default_factory=list)
    """Compute capabilities that the engine is built for, for example [7.5, 8.6]: 7.5 is the T4, 8.6 the RTX 30 series,
    8.9 the RTX 40 series and L4. Empty: this machine's GPU; where there is none, or one that the library does not
    serve, the library's own choice."""
