"""Section `export` of params.yaml."""

from dataclasses import dataclass, field, fields
from typing import Literal

from dataengine.errors import ParamsError
from dataengine.params import require_seed, require_within

from .quantise import CalibrationMethod

GraphNetwork = Literal["fp32", "fp16", "int8"]


@dataclass(frozen=True)
class GraphParams:
    """A further file that holds what stands before and behind the network as well."""

    takes: Literal["nothing", "crops", "picture"] = "nothing"
    """What it is fed with: crops that are cut already; a picture and boxes; nothing: it is not written."""
    network: GraphNetwork = "fp32"
    """The file whose network is inside."""


@dataclass(frozen=True)
class MaxApDrop:
    """How much AP (0..1) each file may lose against PyTorch on the validation set."""

    fp32: float
    fp16: float
    int8: float
    """Limit of both INT8 files."""
    engine: float
    graph: float = 0.01
    """Limit of the file with cropping and decoding inside, against the file whose network it holds."""

    def __post_init__(self) -> None:
        for each in fields(self):
            require_within(self, each.name, -1, 1)


@dataclass(frozen=True)
class Int8Params:
    """How many layers the INT8 files may leave in float, and for what."""

    aim_ap_drop: float
    """Layers are left in float until the files lose at most this much AP (0..1) against FP32 on validation people."""
    most_in_float: int
    """The greatest number of blocks of layers that are; 0: none."""
    rank_layers: bool = False
    """Rank the blocks by how far they move joints, for the page, where the aim is held without any, too."""
    every_layer: bool = False
    """Measure every block alone in float, and every number of them, for the page; takes minutes with large networks."""

    def __post_init__(self) -> None:
        require_within(self, "aim_ap_drop", -1, 1)
        if self.most_in_float < 0:
            raise ParamsError("int8.most_in_float", expected="0 or more", got=str(self.most_in_float))


@dataclass(frozen=True)
class ExportParams:
    """What is written, how it is calibrated, and what it may lose."""

    calibration_crops: int
    """Number of real training crops that INT8 ranges are taken from."""
    calibration_method: CalibrationMethod
    """How a range follows from the activations on those crops."""
    engine: bool
    """Build a TensorRT engine."""
    typical_batch: int
    """Batch that the engine is tuned for; latency is measured at it and at 1."""
    max_batch: int
    """Largest batch that the engine takes."""
    max_ap_drop: MaxApDrop
    int8: Int8Params
    latency_runs: int
    """Least number of timed runs of each file and batch size."""
    threads: int
    """Threads ONNX Runtime may use."""
    seed: int
    """Seed that chooses the calibration crops."""
    engine_capabilities: list[float] = field(default_factory=list)
    """Compute capabilities that the engine is built for, for example [7.5, 8.6]: 7.5 is the T4, 8.6 the RTX 30 series,
    8.9 the RTX 40 series and L4. Empty: this machine's GPU; without one, or with one that the library does not
    serve, the library's own choice."""
    graph: GraphParams = field(default_factory=GraphParams)

    def __post_init__(self) -> None:
        for name in ("calibration_crops", "typical_batch", "latency_runs", "threads"):
            if getattr(self, name) < 1:
                raise ParamsError(name, expected="1 or more", got=str(getattr(self, name)))
        require_seed(self)
        if self.max_batch < self.typical_batch:
            raise ParamsError(
                "max_batch", expected=f"typical_batch ({self.typical_batch}) or more", got=str(self.max_batch)
            )
