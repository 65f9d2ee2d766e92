"""Which file of an exported model a CPU should run: INT8 where it is faster there than FP32, by measured latency."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from dataengine.hardware.machine import Processor, read_processor
from dataengine.inference.exported import ONNX_FP32, ONNX_INT8


@dataclass(frozen=True)
class CpuFile:
    """The file for the CPU that latency was measured on, and why."""

    file: str
    why: str
    int8_instructions: str
    int8_speedup: Mapping[str, float]
    """FP32's time over INT8's, by batch size."""

    def as_json(self) -> dict[str, Any]:
        """What the sidecar keeps."""
        return {**asdict(self), "int8_speedup": dict(self.int8_speedup)}


def choose_cpu_file(
    fp32_ms: Mapping[str, float], int8_ms: Mapping[str, float], instructions: str | None = None
) -> CpuFile:
    """By the latencies of one crop of the FP32 and the INT8 file in ONNX Runtime, by batch size.

    INT8 has to be faster on the geometric mean over the batch sizes that both were measured at. INT8 gives the same
    keypoints on every CPU, so the choice is one of speed alone.
    """
    instructions = describe_int8(read_processor()) if instructions is None else instructions
    speedup = {batch: fp32_ms[batch] / int8_ms[batch] for batch in fp32_ms if batch in int8_ms}
    mean = math.exp(sum(math.log(ratio) for ratio in speedup.values()) / len(speedup)) if speedup else 0.0
    if mean > 1:
        return CpuFile(ONNX_INT8, f"INT8 is {mean:.2f} times as fast as FP32 here", instructions, speedup)
    why = f"INT8 takes {1 / mean:.2f} times as long as FP32 here" if speedup else "INT8 was not measured here"
    return CpuFile(ONNX_FP32, why, instructions, speedup)


def describe_int8(processor: Processor) -> str:
    """What multiplies numbers of 8 bits on a processor, in words."""
    return processor.int8_unit or f"{processor.architecture} without VNNI"
