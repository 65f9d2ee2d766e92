"""Triton's repository: configurations that its own schema takes, and an ensemble that answers as our runner does."""

import importlib.util
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from google.protobuf import text_format

from dataengine.crops.spec import crop_matrix, extract_crop
from dataengine.errors import InputError, ParamsError
from dataengine.inference.exported import ONNX_FP32, file_record, load_exported, write_sidecar
from dataengine.inference.running.predict import onnx_runner, predict_crops
from dataengine.nets.checkpoint import ModelMeta
from dataengine.train.cluster.deploy import run
from dataengine.train.cluster.params import DeployParams
from dataengine.train.cluster.repository import CONFIG
from dataengine.train.deploy.onnx_files import write_fp32

PARAMS = DeployParams(name="walkers", max_batch=8)
BOXES = np.array([[20.0, 30, 40, 60], [200, 100, 45.5, 51], [-20, -10, 60, 60]], dtype=np.float32)
HEADS = {
    "simcc": ModelMeta("residual", {"channels": (8, 8), "blocks": (1, 1)}, input_width_px=48, input_height_px=64),
    "heatmap": ModelMeta(
        "residual", {"channels": (8, 8), "blocks": (1, 1)}, input_width_px=48, input_height_px=64, head="heatmap"
    ),
}


def model_config_pb2() -> ModuleType:
    """Triton's schema, out of its client; the client itself, which wants other versions of gRPC, is not imported."""
    found = importlib.util.find_spec("tritonclient")
    if found is None or not found.submodule_search_locations:
        pytest.skip("tritonclient, which carries Triton's schema, is not installed")
    path = Path(found.submodule_search_locations[0]) / "grpc" / "model_config_pb2.py"
    spec = importlib.util.spec_from_file_location("model_config_pb2", path)
    assert spec and spec.loader
    module = sys.modules.get("model_config_pb2") or importlib.util.module_from_spec(spec)
    if "model_config_pb2" not in sys.modules:
        sys.modules["model_config_pb2"] = module
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it was made for the protobuf before
            spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module", params=list(HEADS))
def deployed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ModelMeta, Path]:
    """(the folder that was written, what the network is, its export)."""
    folder, meta = tmp_path_factory.mktemp(request.param), HEADS[request.param]
    torch.manual_seed(1)
    net = meta.build().eval()
    with torch.no_grad():
        for name, tensor in net.named_parameters():
            tensor.mul_(40 if name.startswith(("final_layer", "to_")) else 1)  # answers that are far from flat
    export = folder / "export"
    export.mkdir()
    write_fp32(net, meta, export / ONNX_FP32)
    write_sidecar(export, meta, {ONNX_FP32: file_record(export / ONNX_FP32)}, {})
    run(PARAMS, export, folder / "deploy")
    return folder / "deploy", meta, export


def configs(folder: Path) -> dict[str, Any]:
    """Every configuration by the name of its model, read by Triton's schema."""
    schema = model_config_pb2()
    read = {}
    for path in sorted((folder / "triton").glob(f"*/{CONFIG}")):
        read[path.parent.name] = text_format.Parse(path.read_text(), schema.ModelConfig())
    return read


def full_dims(config: Any, tensor: Any) -> list[int]:
    return [*([-1] if config.max_batch_size else []), *tensor.dims]


def same_shape(one: list[int], other: list[int]) -> bool:
    return len(one) == len(other) and all(a == b or -1 in (a, b) for a, b in zip(one, other, strict=True))


def test_configurations_are_those_of_tritons_schema(deployed: tuple[Path, ModelMeta, Path]) -> None:
    folder, _, _ = deployed
    read = configs(folder)
    assert set(read) == {"walkers", "walkers-crops", "walkers-network", "walkers-joints"}
    for name, config in read.items():
        assert config.name == name
        version = folder / "triton" / name / "1"
        assert version.is_dir() and (name == "walkers" or (version / "model.onnx").is_file())
    assert read["walkers"].platform == "ensemble"
    assert read["walkers-network"].max_batch_size == 8
    assert read["walkers-network"].dynamic_batching.max_queue_delay_microseconds == 2000
    assert {config.max_batch_size for name, config in read.items() if name != "walkers-network"} == {0}


def test_every_tensor_has_one_type_and_shape_wherever_it_goes(deployed: tuple[Path, ModelMeta, Path]) -> None:
    """By Triton's rule for ensembles: types equal, and the shapes either as they are or with the batch in front."""
    read = configs(deployed[0])
    ensemble = read["walkers"]
    tensors: dict[str, list[tuple[Any, Any]]] = {}
    for tensor in (*ensemble.input, *ensemble.output):
        tensors.setdefault(tensor.name, []).append((ensemble, tensor))
    for step in ensemble.ensemble_scheduling.step:
        config = read[step.model_name]
        for own, mapping in ((config.input, step.input_map), (config.output, step.output_map)):
            assert {tensor.name for tensor in own} == set(mapping), step.model_name
            for tensor in own:
                tensors.setdefault(mapping[tensor.name], []).append((config, tensor))
    for name, uses in tensors.items():
        assert len(uses) >= 2, f"{name} comes from nowhere or goes nowhere"
        (first_config, first), *others = uses
        for config, tensor in others:
            assert tensor.data_type == first.data_type, name
            assert same_shape(list(first.dims), list(tensor.dims)) or same_shape(
                full_dims(first_config, first), full_dims(config, tensor)
            ), name


def test_the_graphs_are_what_the_configurations_say(deployed: tuple[Path, ModelMeta, Path]) -> None:
    folder, _, _ = deployed
    kinds = {"tensor(float)": "TYPE_FP32", "tensor(uint8)": "TYPE_UINT8"}
    schema = model_config_pb2()
    for name, config in configs(folder).items():
        if name == "walkers":
            continue
        session = onnxruntime.InferenceSession(str(folder / "triton" / name / "1" / "model.onnx"))
        for own, said in ((session.get_inputs(), config.input), (session.get_outputs(), config.output)):
            assert [tensor.name for tensor in own] == [tensor.name for tensor in said]
            for tensor, other in zip(own, said, strict=True):
                assert schema.DataType.Name(other.data_type) == kinds[tensor.type]
                shape = [size if isinstance(size, int) else -1 for size in tensor.shape]
                assert same_shape(shape, full_dims(config, other)), (name, tensor.name)


def answered(folder: Path, feed: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The ensemble's answer: its steps run by ONNX Runtime in the order of ensemble_scheduling."""
    read, tensors = configs(folder), dict(feed)
    for step in read["walkers"].ensemble_scheduling.step:
        session = onnxruntime.InferenceSession(str(folder / "triton" / step.model_name / "1" / "model.onnx"))
        names = list(step.output_map)
        found = session.run(names, {own: tensors[shared] for own, shared in step.input_map.items()})
        tensors |= {step.output_map[name]: value for name, value in zip(names, found, strict=True)}
    return {tensor.name: tensors[tensor.name] for tensor in read["walkers"].output}


def test_the_ensemble_answers_as_our_runner(deployed: tuple[Path, ModelMeta, Path]) -> None:
    folder, meta, export = deployed
    coarse = torch.from_numpy(np.random.default_rng(3).uniform(0, 255, (1, 3, 24, 32)))
    smooth = torch.nn.functional.interpolate(coarse, (300, 400), mode="bicubic")[0].clamp(0, 255).byte()
    image = smooth.permute(1, 2, 0).contiguous().numpy()  # BGR
    matrices = crop_matrix(BOXES, meta.crop)
    crops = np.stack([extract_crop(image, matrix, meta.crop) for matrix in matrices])
    expected = predict_crops(onnx_runner(export / ONNX_FP32, 1), meta, crops, matrices)
    found = answered(folder, {"picture": np.ascontiguousarray(image[..., ::-1]), "boxes_xywh_px": BOXES})
    off = np.abs(found["keypoints_px"] - expected.keypoints_px).max(axis=2)
    # random weights give some joints two peaks of nearly one height, and either may win
    assert (off < 0.25).mean() > 0.95 and np.median(off) < 0.01
    assert (np.abs(found["confidence"] - expected.confidence) < 0.02).mean() > 0.95
    assert (np.abs(found["spread_px"] - expected.spread_px) < 0.1).mean() > 0.95


def test_what_cannot_be_deployed_is_one_line(deployed: tuple[Path, ModelMeta, Path], tmp_path: Path) -> None:
    _, _, export = deployed
    with pytest.raises(InputError, match=r"model_int8.onnx is missing; take another deploy.network"):
        run(replace(PARAMS, network="int8"), export, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(InputError, match="does not exist"):
        run(PARAMS, tmp_path, tmp_path / "out")
    names, sizes = ({"name": "Two Words"}, {"storage": "s3://a"}), ({"memory": "4"}, {"max_batch": 0})
    for values in (*names, *sizes, {"max_replicas": 0}):
        with pytest.raises(ParamsError):
            replace(PARAMS, **values)  # type: ignore[arg-type]
    assert load_exported(export).id
