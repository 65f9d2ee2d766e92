"""Our INT8 file in ONNX Runtime against OpenVINO, and against NNCF's accuracy control, of one network.

The network is that of an export (`models/export`), the data are those that it was calibrated and measured on. NNCF gets
the same crops for its ranges, our AP on the validation people as its validation, and the aim of section `export` as the
drop that it may allow; it reverts layers in OpenVINO's model until that holds. All files are timed in turns, two
threads each, at the batch that the engine is tuned for.

``int8.openvino``: crops/s of our file in ONNX Runtime, and of the same file in OpenVINO. ``int8.nncf``: the peer is
NNCF's model in OpenVINO. ``int8.ap_drop`` and ``int8.mb``: AP that our file and NNCF's model lose, and their sizes.
``int8.openvino_hrnet_w32`` is as ``int8.openvino``, of HRNet-W32 at 256x192 with random weights, and needs no export.
"""

import logging
import tempfile
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.bench.record import Figure, Missing
from dataengine.coco_json import read_project_people
from dataengine.inference.exported import ONNX_FP32, ONNX_INT8, load_exported
from dataengine.inference.running.predict import Runner, onnx_runner
from dataengine.nets.checkpoint import ModelMeta
from dataengine.nets.heads import Arrays
from dataengine.params import load_section

from ..deploy.accuracy import Ruler
from ..deploy.calibration_crops import calibration_people, network_inputs
from ..deploy.params import ExportParams
from .export import NETWORKS, rates_in_turns, write_files

EXPORT, TRAIN, VAL, PARAMS = (
    Path(name) for name in ("models/export", "data/mix/train.json", "data/ingest/val.json", "params.yaml")
)
_MB = 1e6


def run(export: Path = EXPORT, train: Path = TRAIN, val: Path = VAL) -> Iterator[Figure | Missing]:
    """The five figures; a line where the export, the data or a library is missing."""
    yield from hrnet(NETWORKS["_hrnet_w32"])
    yield from exported(export, train, val)


def hrnet(meta: ModelMeta) -> Iterator[Figure | Missing]:
    """Our INT8 file of a network with fresh weights: crops/s in ONNX Runtime, and in OpenVINO."""
    name = "int8.openvino_hrnet_w32"
    if find_spec("openvino") is None:
        yield Missing(name, _fix("openvino"))
        return
    params = load_section(PARAMS, "export", ExportParams)
    with tempfile.TemporaryDirectory() as scratch:
        crops, path = write_files(meta, Path(scratch)), Path(scratch) / ONNX_INT8
        runners = {"ours": onnx_runner(path, params.threads), "openvino": openvino_runner(path, params.threads)}
        rates = rates_in_turns(runners, crops)
    yield Figure(name, rates["ours"], "crops/s", rates["openvino"])


def exported(export: Path, train: Path, val: Path) -> Iterator[Figure | Missing]:
    """The figures of the network in `export`."""
    for path in (export / ONNX_INT8, train, val):
        if not path.is_file():
            yield Missing("int8", f"{path}: run `dvc repro export`")
            return
    for library in ("openvino", "nncf"):
        if find_spec(library) is None:
            yield Missing("int8", _fix(library))
            return
    params, model = load_section(PARAMS, "export", ExportParams), load_exported(export)
    ruler = Ruler.of(model.meta, *read_project_people(val))
    crops = network_inputs(calibration_people(train, model.meta, params), model.meta)
    ap_fp32, ours = _ap(ruler, onnx_runner(export / ONNX_FP32, params.threads)), export / ONNX_INT8
    with tempfile.TemporaryDirectory() as scratch:
        quantised = controlled_by_nncf(export / ONNX_FP32, crops, ruler, params, Path(scratch) / "nncf.xml")
        size = quantised.with_suffix(".bin").stat().st_size + quantised.stat().st_size
        runners = {
            "ours": onnx_runner(ours, params.threads),
            "openvino": openvino_runner(ours, params.threads),
            "nncf": openvino_runner(quantised, params.threads),
        }
    batch = np.resize(crops, (params.typical_batch, *crops.shape[1:]))
    rates = rates_in_turns(runners, batch)
    yield Figure("int8.openvino", rates["ours"], "crops/s", rates["openvino"])
    yield Figure("int8.nncf", rates["ours"], "crops/s", rates["nncf"])
    drops = {name: ap_fp32 - _ap(ruler, runners[name]) for name in ("ours", "nncf")}
    yield Figure("int8.ap_drop", drops["ours"], "AP", drops["nncf"])
    yield Figure("int8.mb", ours.stat().st_size / _MB, "MB", size / _MB)


def openvino_runner(path: Path, threads: int) -> Runner:
    """Run a file in OpenVINO on the CPU, in the precision that it has."""
    import openvino

    settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"}
    core = openvino.Core()
    return _runner_of(core.compile_model(core.read_model(path), "CPU", settings))


def controlled_by_nncf(fp32: Path, crops: NDArray[np.float32], ruler: Ruler, params: ExportParams, out: Path) -> Path:
    """The network quantised by `nncf.quantize_with_accuracy_control` into OpenVINO's files, `out` and its weights."""
    import nncf
    import openvino

    logging.getLogger("nncf").setLevel(logging.ERROR)  # it says a line for each layer that it reverts

    def validated(compiled: Any, _: Any) -> tuple[float, None]:
        return _ap(ruler, _runner_of(compiled)), None

    quantised = nncf.quantize_with_accuracy_control(
        openvino.Core().read_model(fp32),
        nncf.Dataset([crops[row : row + 1] for row in range(len(crops))]),
        nncf.Dataset([0, 1]),  # which items are validated on: all people are, by the function itself
        validation_fn=validated,
        max_drop=params.int8.aim_ap_drop,
        drop_type=nncf.DropType.ABSOLUTE,
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=len(crops),
    )
    openvino.save_model(quantised, out, compress_to_fp16=False)
    return out


def _fix(library: str) -> str:
    return f"{library}: pip install -c constraints.txt -e '.[openvino]'"


def _runner_of(compiled: Any) -> Runner:
    def run(images: NDArray[np.float32]) -> Arrays:
        answer = compiled([images])
        return tuple(np.asarray(answer[output], dtype=np.float32) for output in compiled.outputs)

    return run


def _ap(ruler: Ruler, runner: Callable[..., Any]) -> float:
    return ruler.figures(ruler.predict(runner, "INT8"))["AP"]
