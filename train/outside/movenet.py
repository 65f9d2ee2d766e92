"""MoveNet as a top-down network: the single-pose model by its ONNX file, on a square crop about each box.

Its contract (TensorFlow Hub, "MoveNet.SinglePose Thunder"): in, RGB 0..255, int32 or float32 (1, side, side, 3); out,
float32 (1, 1, 17, 3) of y, x and score, COCO-17, places as shares of the input.
"""

from pathlib import Path
from typing import Any

import numpy as np

from dataengine.crops.pixels import people_by_picture
from dataengine.crops.spec import CropSpec, apply_affine, crop_matrix, extract_crop, invert_affine
from dataengine.errors import EnvironmentFault, InputError
from dataengine.keypoints import VISIBLE
from dataengine.people import JOINT_CONFIDENCE, JOINTS, Images, People
from dataengine.pictures.reading.decoding import read_picture
from dataengine.terminal.progress import track

_TYPES = {"tensor(int32)": np.int32, "tensor(float)": np.float32}
_FIX = "give the ONNX file of a single-pose MoveNet"


def movenet_in_boxes(people: People, images: Images, model: Path, *, threads: int = 2) -> People:
    """`people` with MoveNet's joints in image pixels, all marked visible, and its mean score.

    Extra column `joint_confidence` (n, 17) has the score of each joint, 0..1.

    Raises:
        InputError: `model` is missing, or does not keep to MoveNet's contract; an image cannot be read, or a box is
            empty.
    """
    session, spec, dtype = _open(model, threads)
    matrices = crop_matrix(people.bbox_xywh_px, spec)
    answers = np.zeros((len(people), JOINTS, 3), dtype=np.float32)
    for row, persons in track(people_by_picture(images.rows_of(people.image_id)), "MoveNet", unit="image"):
        image = read_picture(str(images.path[row]))
        for person in persons:
            crop = extract_crop(image, matrices[person], spec)[None, :, :, ::-1]
            answers[person] = session.run(None, {session.get_inputs()[0].name: crop.astype(dtype)})[0][0, 0]
    in_crop = answers[:, :, 1::-1].astype(np.float64) * spec.width_px - 0.5  # y, x from the input's edge
    found = people.replace(
        keypoints_px=apply_affine(invert_affine(matrices), in_crop).astype(np.float32),
        visibility=np.full((len(people), JOINTS), VISIBLE, dtype=np.uint8),
        score=answers[:, :, 2].mean(axis=1),
    )
    return found.with_extra(JOINT_CONFIDENCE, answers[:, :, 2])


def _open(model: Path, threads: int) -> tuple[Any, CropSpec, Any]:
    """A session, the crop it wants and the type of its pixels."""
    try:
        import onnxruntime
    except ImportError as error:
        raise EnvironmentFault("onnxruntime is not installed", fix="pip install onnxruntime") from error
    if not model.is_file():
        raise InputError(f"{model} does not exist", fix=_FIX)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    try:
        session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the library has an exception of its own for each way to fail
        raise InputError(f"{model} is not a model that ONNX Runtime opens", got=_line(error), fix=_FIX) from error
    inputs, outputs = session.get_inputs(), session.get_outputs()
    shape, gives = inputs[0].shape, outputs[0].shape
    is_square = len(inputs) == 1 and len(shape) == 4 and shape[1] == shape[2] and isinstance(shape[1], int)
    if not is_square or shape[3] != 3 or inputs[0].type not in _TYPES or list(gives) != [1, 1, JOINTS, 3]:
        expected = "one input (1, side, side, 3) of int32 or float32, one output (1, 1, 17, 3)"
        raise InputError(
            f"{model} is not a MoveNet", expected=expected, got=f"{inputs[0].type} {shape} to {gives}", fix=_FIX
        )
    return session, CropSpec(shape[1], shape[1]), _TYPES[inputs[0].type]


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
