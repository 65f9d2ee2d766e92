"""An ONNX file with what stands before and behind the network inside: pixels go in, joints come out.

Its confidence is by the model's `joint_confidence`, where it has one.

`describe` is what the sidecar says of it, `open_graph` runs it with ONNX Runtime as that says. Names and opset are a
promise to whoever has written a program around such a file: they change with `FORMAT` of the sidecar alone.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dataengine.boxes import Boxes
from dataengine.errors import EnvironmentFault, InputError
from dataengine.inference.exported import ONNX_GRAPH, ExportedModel
from dataengine.inference.running.prediction import Prediction
from dataengine.inference.running.sessions import Answer, Asked
from dataengine.nets.checkpoint import ModelMeta
from dataengine.nets.heads import Arrays
from dataengine.nets.layout import Decoded

OPSET = 17  # the newest that the TorchScript exporter, ONNX Runtime's quantiser and TensorRT all support
CROPS, PICTURE, BOXES = "crops", "picture", "boxes_xywh_px"
JOINTS, CONFIDENCE, SPREAD, ENTROPY = "keypoints_px", "confidence", "spread_px", "entropy"
OUTPUTS = (JOINTS, CONFIDENCE, SPREAD, ENTROPY)
Takes = Literal["crops", "picture"]
RECORD = "graph"  # key of the sidecar


def describe(meta: ModelMeta, takes: Takes, network: str) -> dict[str, Any]:
    """What the sidecar says: how to feed the file, and what comes out; `network` is the file of the network inside."""
    joints, size = len(meta.keypoints), [meta.input_height_px, meta.input_width_px]
    rgb = {"dtype": "uint8", "channels": "RGB", "layout": "NHWC" if takes == CROPS else "HWC"}
    crops = [{"name": CROPS, "shape": ["batch", *size, 3], **rgb}]
    picture = [
        {"name": PICTURE, "shape": ["height", "width", 3], **rgb},
        {"name": BOXES, "shape": ["batch", 4], "dtype": "float32", "boxes": "x, y, width, height, edge to edge"},
    ]
    shapes = {JOINTS: ["batch", joints, 2]} | {name: ["batch", joints] for name in OUTPUTS[1:]}
    return {
        "file": ONNX_GRAPH,
        "network": network,
        "takes": takes,
        "opset": OPSET,
        "crop": {"padding": meta.crop_padding, "aspect": "kept"},
        "inputs": crops if takes == CROPS else picture,
        "outputs": [{"name": name, "shape": shape, "dtype": "float32"} for name, shape in shapes.items()],
        "pixels": f"of the {'crop' if takes == CROPS else 'picture'}; (0, 0) is the centre of the top left one",
    }


class CropGraph:
    """A file that takes crops, as `sessions.DeviceRunner`."""

    def __init__(self, path: Path, threads: int, meta: ModelMeta) -> None:
        self._run, self._meta = _session(path, threads), meta

    def __call__(self, images: NDArray[np.float32]) -> Arrays:
        """The outputs for normalised images (b, 3, H, W), which become bytes again."""
        mean, std = (np.array(values, dtype=np.float32)[:, None, None] for values in (self._meta.mean, self._meta.std))
        rgb = np.clip(np.rint((images * std + mean) * 255), 0, 255).astype(np.uint8)
        return tuple(self._run({CROPS: np.ascontiguousarray(rgb.transpose(0, 2, 3, 1))}))

    def session(self, meta: ModelMeta, asked: Asked, batch: int) -> "CropGraphSession":
        """Ready for batches of any size."""
        return CropGraphSession(self._run, asked)


class CropGraphSession:
    """Crops of a batch to joints, on the CPU."""

    def __init__(self, run: Callable[[dict[str, Any]], list[NDArray[np.float32]]], asked: Asked) -> None:
        _refuse_more_than_joints(asked)
        self._run, self._views = run, len(asked.views)

    def buffer(self, shape: tuple[int, ...]) -> NDArray[np.uint8]:
        """Plain memory."""
        return np.zeros(shape, dtype=np.uint8)

    def submit(self, crops_bgr: NDArray[np.uint8]) -> Callable[[], Answer]:
        """All of the work is done here: the answer is ready at once."""
        found = self._run({CROPS: np.ascontiguousarray(crops_bgr[..., ::-1])})
        places, confidence, spread, entropy = (part.astype(np.float64) for part in found)
        answer = Answer((Decoded(places, confidence, spread, entropy, is_calibrated=True),) * self._views)
        return lambda: answer


class PictureGraph:
    """A file that takes a picture and boxes, and cuts the crops itself."""

    def __init__(self, path: Path, threads: int, meta: ModelMeta) -> None:
        self._run, self._meta = _session(path, threads), meta

    def predict(self, image_bgr: NDArray[np.uint8], boxes_xywh_px: Boxes) -> Prediction:
        """The people in boxes (n, 4) of a picture (h, w, 3). An empty box is an `InputError`."""
        boxes = np.asarray(boxes_xywh_px, dtype=np.float32).reshape(-1, 4)
        if (boxes[:, 2:] <= 0).any():
            raise InputError("a box is empty", expected="width and height above 0", got=str(boxes.tolist()))
        score, k = self._meta.person_score, len(self._meta.keypoints)
        if not len(boxes):  # no network is asked about nobody
            nobody = np.empty((0, k), dtype=np.float32)
            return Prediction(np.empty((0, k, 2), dtype=np.float32), nobody, nobody, nobody, score)
        joints, confidence, spread, entropy = self._run(
            {PICTURE: np.ascontiguousarray(image_bgr[..., ::-1]), BOXES: boxes}
        )
        return Prediction(joints, confidence, spread, entropy, score)


def open_graph(model: ExportedModel, threads: int) -> CropGraph | PictureGraph:
    """The runner of the file with everything inside.

    Raises:
        InputError: the export has none, or its sidecar describes another kind than is known here.
    """
    record = model.sidecar.get(RECORD)
    if not isinstance(record, Mapping):
        fix = "export again with export.graph.takes: crops, or picture"
        raise InputError(f"{model.folder} has no {ONNX_GRAPH}", fix=fix)
    path = model.folder / ONNX_GRAPH
    if record.get("takes") == CROPS:
        return CropGraph(path, threads, model.meta)
    if record.get("takes") == PICTURE:
        return PictureGraph(path, threads, model.meta)
    raise InputError(f"{path} is fed in an unknown way", expected=f"{CROPS} | {PICTURE}", got=repr(record.get("takes")))


def _refuse_more_than_joints(asked: Asked) -> None:
    if asked.features or set(asked.views) != {"plain"}:
        fix = "take another file of the export, or leave out what looks at the mirror image"
        raise EnvironmentFault(f"{ONNX_GRAPH} gives joints alone", expected="neither mirrored nor embedded", fix=fix)


def _session(path: Path, threads: int) -> Callable[[dict[str, Any]], list[NDArray[np.float32]]]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda feed: session.run(list(OUTPUTS), feed)
