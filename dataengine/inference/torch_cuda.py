"""Run the weights of an exported model with PyTorch on a CUDA device, or say why not."""

import torch

from dataengine.errors import EnvironmentFault, InputError
from dataengine.files import sha256_file
from dataengine.inference.exported import ExportedModel
from dataengine.inference.running.predict import Runner, torch_runner
from dataengine.nets.checkpoint import WEIGHTS_NAME, load_weights


def torch_cuda_runner(model: ExportedModel) -> Runner:
    """The network with the weights in the model's folder, in float32 on the first CUDA device.

    Raises:
        EnvironmentFault: PyTorch sees no CUDA device.
        InputError: the export has no weights, as those from before they were kept.
    """
    if not torch.cuda.is_available():
        raise EnvironmentFault("PyTorch sees no CUDA device", fix="set the runner to onnx-cpu or auto")
    weights = model.folder / WEIGHTS_NAME
    if not weights.exists():
        raise InputError(f"{weights} does not exist", fix="export again")
    return torch_runner(load_weights(model.folder, model.meta, sha256_file(weights)).cuda().eval())
