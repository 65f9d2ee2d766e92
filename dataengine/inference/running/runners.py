"""What executes a network: PyTorch (`torch_runner`, `load_runner`), or ONNX Runtime on a file (`onnx_runner`)."""

import copy
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from dataengine.errors import EnvironmentFault, InputError
from dataengine.inference.running.device_reading import cast_weights, mixed_precision, without_gradients
from dataengine.inference.running.devices import Device, Precision, choose_device, choose_precision, in_words
from dataengine.inference.running.sessions import Asked, Runner, Session
from dataengine.inference.running.torch_session import TorchSession
from dataengine.nets.checkpoint import ModelMeta, load_checkpoint
from dataengine.nets.heads import Arrays
from dataengine.terminal.speech import say


class TorchRunner:
    """A network on a device. Called with normalised images it is a `Runner`; its sessions take crops as they are."""

    def __init__(self, net: nn.Module, device: torch.device, dtype: torch.dtype) -> None:
        """`net` lies on `device` in float32; other types of numbers get their own copy of its weights."""
        self.device, self.dtype = device, dtype
        self._full = net
        self._net = net if dtype == torch.float32 else cast_weights(net, dtype)
        self._sessions: list[tuple[ModelMeta, Asked, int, TorchSession]] = []

    def __call__(self, images: NDArray[np.float32]) -> Arrays:
        """The head's tensors in float32 for normalised images (b, 3, H, W)."""
        with without_gradients(self.device), mixed_precision(self.device, self.dtype):
            inputs = torch.from_numpy(images).to(self.device).contiguous(memory_format=torch.channels_last)
            return tuple(tensor.float().cpu().numpy() for tensor in self._net.eval()(inputs))

    def session(self, meta: ModelMeta, asked: Asked, batch: int) -> Session:
        """The same one for the same question, with the graphs that it has captured."""
        for *question, known_session in self._sessions:
            if question == [meta, asked, batch]:
                return known_session
        session = TorchSession(
            net=self._net,
            full=self._full,
            meta=meta,
            asked=asked,
            batch=batch,
            device=self.device,
            dtype=self.dtype,
        )
        self._sessions.append((meta, asked, batch, session))
        return session


def torch_runner(net: nn.Module, device: Device | None = None, precision: Precision = "fp32") -> TorchRunner:
    """Run `net` in evaluation mode; None leaves it on its device, another device gets a copy.

    In float32 on its own device the network itself is run, so later changes of its weights count.
    """
    home = next(net.parameters()).device
    chosen = home if device is None else choose_device(device)
    if chosen != home:
        net = copy.deepcopy(net).to(device=chosen, memory_format=torch.channels_last)
    return TorchRunner(net, chosen, choose_precision(precision, chosen))


def load_runner(
    checkpoint: Path, device: Device = "auto", precision: Precision = "auto"
) -> tuple[TorchRunner, ModelMeta]:
    """The network of a checkpoint folder on the best device here, which is said in one line, and its metadata.

    Raises:
        InputError: the checkpoint is missing or damaged.
        EnvironmentFault: the device or the precision asked for is not available.
    """
    net, meta = load_checkpoint(checkpoint)
    runner = torch_runner(net, device, precision)
    say(f"{checkpoint} predicts on {in_words(runner.device, runner.dtype)}")
    return runner, meta


def onnx_runner(path: Path, threads: int = 2) -> Runner:
    """Run an exported network (input ``images``, outputs those of its head, in order) with ONNX Runtime on the CPU."""
    try:
        import onnxruntime
    except ImportError as error:
        raise EnvironmentFault("onnxruntime is not installed", fix="pip install onnxruntime") from error
    if not path.exists():
        raise InputError(f"{path} does not exist", fix="run `dataengine export`")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    entry = session.get_inputs()[0]
    # a network whose weights were cast to half precision may ask for half-precision images
    dtype = np.float16 if entry.type == "tensor(float16)" else np.float32

    def run(images: NDArray[np.float32]) -> Arrays:
        answer = session.run(None, {entry.name: images.astype(dtype, copy=False)})
        return tuple(np.asarray(array, dtype=np.float32) for array in answer)

    return run
