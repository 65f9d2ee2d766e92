"""What a bundle's networks can run in: ONNX Runtime always, LiteRT and TVM where they are asked for.

Adding one: a line here, a tolerance in `bundle_folder.TOLERANCE`, a function that writes its files (as in
`litert_files.py`), another in `device/networks.py` that runs them, and the device's pinned requirements.
"""

from dataclasses import dataclass

ONNX, LITERT, TVM = "onnx", "litert", "tvm"


@dataclass(frozen=True)
class EdgeRuntime:
    """Names of a runtime's networks, and the file that pins its packages for the device."""

    networks: tuple[str, ...]
    files: tuple[str, ...]
    requirements: str


RUNTIMES = {
    ONNX: EdgeRuntime(("fp32", "int8"), ("pose_fp32.onnx", "pose_int8.onnx"), "requirements.txt"),
    LITERT: EdgeRuntime(
        ("litert-fp32", "litert-int8"),
        ("litert_fp32.tflite", "litert_int8.tflite", "litert_joints.tflite"),
        "requirements-litert.txt",
    ),
    TVM: EdgeRuntime(("tvm-fp32",), ("tvm_fp32.so",), "requirements-tvm.txt"),
}


def runtime_of(network: str) -> str:
    """The runtime of a network by its name.

    >>> runtime_of("litert-int8")
    'litert'
    """
    return next(name for name, runtime in RUNTIMES.items() if network in runtime.networks)
