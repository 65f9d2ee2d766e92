"""Run an exported network with ONNX Runtime on a CUDA device, or say why not.

ONNX Runtime itself falls back to the CPU without raising: what it offers is asked first, and what it took afterwards.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import EnvironmentFault, InputError
from dataengine.inference.running.predict import Runner
from dataengine.nets.heads import Arrays

PROVIDER = "CUDAExecutionProvider"


def onnx_cuda_runner(path: Path) -> Runner:
    """Run the network in `path` on the first CUDA device.

    Raises:
        EnvironmentFault: this onnxruntime has no CUDA provider, or the provider does not start.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise EnvironmentFault("onnxruntime is not installed", fix="pip install onnxruntime-gpu") from error
    if not path.exists():
        raise InputError(f"{path} does not exist", fix="run `dataengine export`")
    if PROVIDER not in onnxruntime.get_available_providers():
        raise EnvironmentFault("this onnxruntime is built for the CPU alone", fix="pip install onnxruntime-gpu")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # why a provider did not start is raised below
    session = onnxruntime.InferenceSession(str(path), options, providers=[PROVIDER, "CPUExecutionProvider"])
    if session.get_providers()[0] != PROVIDER:
        raise EnvironmentFault("ONNX Runtime's CUDA provider does not start", fix="check the driver, CUDA and cuDNN")
    name = session.get_inputs()[0].name

    def run(images: NDArray[np.float32]) -> Arrays:
        answer = session.run(None, {name: np.ascontiguousarray(images, dtype=np.float32)})
        return tuple(np.asarray(array, dtype=np.float32) for array in answer)

    return run
