"""From a network's answer to joints, as an ONNX graph: the decoders of `inference.running.decoders` in float32."""

import io
import warnings
from collections.abc import Sequence

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from dataengine.inference.in_graph import OPSET, OUTPUTS
from dataengine.inference.running.decoders import decoder_of
from dataengine.nets.checkpoint import ModelMeta
from dataengine.nets.joint_confidence import JointCurves

PLACE = ("crop_step_px", "crop_middle_px")
"""Picture pixels in a crop pixel (batch, 1), and the crop's middle in the picture (batch, 2)."""


class CurveReading(nn.Module):
    """`JointCurves.of` as a sum of ramps: no operation that a runtime may lack."""

    def __init__(self, curves: JointCurves, names: Sequence[str]) -> None:
        super().__init__()
        pairs = [(np.array(curve.stated), np.array(curve.found)) for curve in curves.in_order(names)]
        most = max(len(stated) for stated, _ in pairs)
        # a curve with fewer knots repeats its last one: ramps of no length and no height
        stated, found = (
            np.stack([np.pad(pair[axis], (0, most - len(pair[axis])), mode="edge") for pair in pairs])
            for axis in (0, 1)
        )
        length, height = np.diff(stated), np.diff(found)
        slope = np.divide(height, length, out=np.zeros_like(height), where=length > 0)
        for name, values in (("start", stated[:, :-1]), ("length", length), ("slope", slope), ("first", found[:, 0])):
            self.register_buffer(name, torch.tensor(values, dtype=torch.float32), persistent=False)

    def forward(self, confidence: Tensor) -> Tensor:
        """(b, k) as shares of joints that are found."""
        ramps = torch.minimum((confidence[..., None] - self.start).clamp(min=0), self.length)
        risen: Tensor = self.first + (ramps * self.slope).sum(dim=-1)
        return risen


class JointReading(nn.Module):
    """The head's tensors, and by choice `PLACE`, to `OUTPUTS`: in crop pixels, or in those of the picture."""

    def __init__(self, meta: ModelMeta) -> None:
        super().__init__()
        self._decoder = decoder_of(meta.reader, torch.device("cpu"), torch.float32)
        self._tensors = len(meta.reader.outputs)
        self._curves = CurveReading(meta.joint_confidence, meta.keypoints) if meta.joint_confidence else None
        middle = [(size - 1) / 2 for size in (meta.input_width_px, meta.input_height_px)]
        self.register_buffer("middle", torch.tensor(middle), persistent=False)

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """(b, k, 2), then three of (b, k)."""
        answer, place = tensors[: self._tensors], tensors[self._tensors :]
        found = self._decoder.decode(self._decoder.distributions(answer))
        confidence = self._curves(found.confidence) if self._curves else found.confidence
        if not place:
            return found.keypoints_px, confidence, found.spread_px, found.entropy
        step, middle = place
        joints = (found.keypoints_px - self.middle) * step[:, None] + middle[:, None]
        return joints, confidence, found.spread_px * step, found.entropy


def answer_to_joints(meta: ModelMeta, *, with_place: bool) -> onnx.ModelProto:
    """The graph for the head of `meta`; `with_place`: it takes `PLACE` as well."""
    with torch.no_grad():
        images = torch.zeros(2, 3, meta.input_height_px, meta.input_width_px)
        answer = meta.build().eval()(images)
    places = (torch.ones(2, 1), torch.zeros(2, 2)) if with_place else ()
    names = [*meta.reader.outputs, *(PLACE if with_place else ())]
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        # it takes the sizes of maps and of the crop for constants, which they are; and leaves a step of 2 as it is
        warnings.simplefilter("ignore", torch.jit.TracerWarning)
        warnings.filterwarnings("ignore", message="Constant folding", category=UserWarning)
        torch.onnx.export(
            JointReading(meta),
            (*answer, *places),
            file,
            dynamo=False,
            opset_version=OPSET,
            input_names=names,
            output_names=list(OUTPUTS),
            dynamic_axes={name: {0: "batch"} for name in (*names, *OUTPUTS)},
        )
    return onnx.load_from_string(file.getvalue())
