"""An ONNX file from anywhere, opened: checked first, then run by ONNX Runtime on the CPU.

What is refused before anything runs: files over `LARGEST_BYTES`, what `onnx.checker` refuses, operators that are not
part of ONNX or built into ONNX Runtime (no library of custom operators is ever loaded), and weights outside of the
model's folder.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx.external_data_helper import ExternalDataInfo, uses_external_data

from dataengine.errors import EnvironmentFault, InputError

LARGEST_BYTES = 4 << 30
BUILT_IN = frozenset({"", "ai.onnx", "ai.onnx.ml", "com.microsoft"})
"""Domains whose operators ONNX Runtime itself has."""
PIXEL_TYPES: Mapping[str, str] = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(uint8)": "uint8",
    "tensor(int32)": "int32",
}
COLOURS = 3
_FIX = "give the ONNX file of a pose network with one image input"
Tensors = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class ImageInput:
    """The one input of a network."""

    name: str
    layout: str
    """NCHW or NHWC."""
    dtype: str
    batch: int | None
    """None: any number."""
    height_px: int | None
    """None: any."""
    width_px: int | None


@dataclass(frozen=True, eq=False)
class OpenNetwork:
    """A network that can be run, one input at a time."""

    path: Path
    image: ImageInput
    outputs: tuple[str, ...]
    session: Any

    def run(self, pixels: NDArray[Any]) -> Tensors:
        """The answer to one input (1, ...) in the network's layout and type, by the outputs' names.

        A network with a fixed batch is given the input that many times, and answers once.

        Raises:
            InputError: the network does not take it.
        """
        batch = self.image.batch or 1
        pixels = np.repeat(pixels, batch, axis=0) if batch > 1 else pixels
        try:
            answer = self.session.run(list(self.outputs), {self.image.name: pixels})
        except Exception as error:  # ONNX Runtime has an exception of its own for each way to fail
            raise InputError(f"{self.path} does not run", got=one_line(error)) from error
        named = {name: _plain(value) for name, value in zip(self.outputs, answer, strict=True)}
        return {name: value[:1] if batch > 1 and value.ndim else value for name, value in named.items()}


def open_network(path: Path, threads: int = 2) -> OpenNetwork:
    """Check the file and open it.

    Raises:
        InputError: it is missing, too large, not ONNX, needs what ONNX Runtime lacks, has weights elsewhere, or has
            other inputs than one picture of three colours.
    """
    check_file(path)
    try:
        import onnxruntime
    except ImportError as error:
        raise EnvironmentFault("onnxruntime is not installed", fix="pip install onnxruntime") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 3
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # see above
        raise InputError(f"{path} is not a model that ONNX Runtime opens", got=one_line(error), fix=_FIX) from error
    image = _image_input(path, session.get_inputs())
    return OpenNetwork(path, image, tuple(entry.name for entry in session.get_outputs()), session)


def check_file(path: Path) -> tuple[str, ...]:
    """Refuse what must not be opened; returns the names of the files next to it that hold its weights."""
    if not path.is_file():
        raise InputError(f"{path} does not exist", fix=_FIX)
    if path.suffix != ".onnx":
        raise InputError(f"{path} is not an ONNX file", expected="a name that ends in .onnx", got=path.name, fix=_FIX)
    _require_size(path, path.stat().st_size)
    try:
        model = onnx.load(str(path), load_external_data=False)
    except Exception as error:  # protobuf's own
        raise InputError(f"{path} is not an ONNX file", got=one_line(error), fix=_FIX) from error
    foreign = sorted({node.domain for node in _nodes(model)} - BUILT_IN - {f.domain for f in model.functions})
    if foreign:
        operators = sorted({f"{node.domain}.{node.op_type}" for node in _nodes(model) if node.domain in foreign})
        got = ", ".join(operators[:3])
        raise InputError(f"{path} needs custom operators", expected="those of ONNX and ONNX Runtime", got=got)
    neighbour = _weight_files(path, model)
    try:
        onnx.checker.check_model(str(path))
    except Exception as error:  # the checker's and protobuf's
        raise InputError(f"{path} is not a valid ONNX model", got=one_line(error), fix=_FIX) from error
    return neighbour


def one_line(error: Exception) -> str:
    """What an exception says, in one line of readable length."""
    return " ".join(str(error).split())[:200]


def _require_size(path: Path, size: int) -> None:
    if size > LARGEST_BYTES:
        raise InputError(f"{path} is too large", expected=f"at most {LARGEST_BYTES >> 30} GB", got=f"{size} bytes")


def _graphs(model: onnx.ModelProto) -> Iterator[Any]:
    """The graph, those inside its nodes, and the bodies of functions."""
    waiting: list[Any] = [model.graph, *model.functions]
    while waiting:
        graph = waiting.pop()
        yield graph
        for node in graph.node:
            for attribute in node.attribute:
                waiting += [attribute.g] if attribute.HasField("g") else []
                waiting += list(attribute.graphs)


def _nodes(model: onnx.ModelProto) -> list[onnx.NodeProto]:
    return [node for graph in _graphs(model) for node in graph.node]


def _tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    for graph in _graphs(model):
        yield from getattr(graph, "initializer", ())
        for node in graph.node:
            for attribute in node.attribute:
                if attribute.HasField("t"):
                    yield attribute.t
                yield from attribute.tensors


def _weight_files(path: Path, model: onnx.ModelProto) -> tuple[str, ...]:
    names = sorted({ExternalDataInfo(t).location for t in _tensors(model) if uses_external_data(t)})
    total = path.stat().st_size
    for name in names:
        neighbour = path.parent / name
        if Path(name).name != name or neighbour.is_symlink() or not neighbour.is_file():
            raise InputError(f"{path} has weights elsewhere", expected="a plain file next to it", got=repr(name[:100]))
        total += neighbour.stat().st_size
    _require_size(path, total)
    return tuple(names)


def _image_input(path: Path, inputs: Sequence[Any]) -> ImageInput:
    got = ", ".join(f"{entry.type} {entry.shape}" for entry in inputs)
    expected = "one input (batch, 3, h, w) or (batch, h, w, 3) of float32, float16, uint8 or int32"
    refusal = InputError(f"{path} does not take one picture", expected=expected, got=got, fix=_FIX)
    if len(inputs) != 1 or len(inputs[0].shape) != 4 or inputs[0].type not in PIXEL_TYPES:
        raise refusal
    batch, *sizes = (value if isinstance(value, int) else None for value in inputs[0].shape)
    if sizes[0] == COLOURS:
        layout, (height, width) = "NCHW", sizes[1:]
    elif sizes[2] == COLOURS:
        layout, (height, width) = "NHWC", sizes[:2]
    else:
        raise refusal
    return ImageInput(inputs[0].name, layout, PIXEL_TYPES[inputs[0].type], batch, height, width)


def _plain(value: Any) -> NDArray[Any]:
    if not isinstance(value, np.ndarray):
        return np.empty(0)  # a sequence or a map: nothing that is read here
    return value.astype(np.float32) if value.dtype == np.float16 else value
