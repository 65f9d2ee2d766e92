import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from dataengine.coco_json import read_people
from dataengine.errors import InputError
from dataengine.evaluation.ap.oks import coco_ap
from dataengine.evaluation.ap.protocol import COCO
from dataengine.files import sha256_file
from dataengine.inference.exported import (
    ENGINE,
    ONNX_FP16,
    ONNX_FP32,
    ONNX_GRAPH,
    ONNX_INT8,
    ONNX_INT8_TRT,
    SIDECAR,
    load_exported,
)
from dataengine.inference.running.predict import onnx_runner, torch_runner
from dataengine.inference.shipped import engine_library
from dataengine.inference.shipped.engine_library import gpu_capability
from dataengine.inference.shipped.engine_runner import check_plan, engine_runner
from dataengine.nets.checkpoint import load_checkpoint
from dataengine.nets.learnt_pictures import LEARNT_NAME
from dataengine.train import export
from dataengine.train.deploy.accuracy import Ruler
from dataengine.train.deploy.params import ExportParams, Int8Params, MaxApDrop
from dataengine.train.deploy.tensorrt_build import build_engine

from ..helpers import small_model
from ..helpers.own_sigmas import OWN_PROTOCOL
from .exported_models import PARAMS, export_to


@pytest.fixture
def folder(exported: dict[str, Path]) -> Path:
    return exported["good"]


def crops(count: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(count, 3, 64, 64)).astype(np.float32)


@pytest.mark.parametrize("batch", [1, 5])
def test_onnx_answers_as_pytorch(folder: Path, round_folder: Path, batch: int) -> None:
    net, _ = load_checkpoint(round_folder / "steps60")
    expected = torch_runner(net)(crops(batch))
    for got, want in zip(onnx_runner(folder / ONNX_FP32)(crops(batch)), expected, strict=True):
        np.testing.assert_allclose(got, want, atol=1e-4)
    for got, want in zip(onnx_runner(folder / ONNX_FP16)(crops(batch)), expected, strict=True):
        np.testing.assert_allclose(got, want, atol=0.02 * np.abs(want).max())


def test_fp16_file_holds_half_precision_weights(folder: Path) -> None:
    graph = onnx.load(str(folder / ONNX_FP16)).graph
    kinds = {tensor.data_type for tensor in graph.initializer if len(tensor.dims) > 1}
    assert kinds == {onnx.TensorProto.FLOAT16}
    assert (folder / ONNX_FP16).stat().st_size < 0.6 * (folder / ONNX_FP32).stat().st_size
    assert graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.FLOAT


@pytest.mark.parametrize("name", [ONNX_INT8, ONNX_INT8_TRT])
def test_int8_files_quantise_weights_per_channel_and_symmetrically(folder: Path, name: str) -> None:
    graph = onnx.load(str(folder / name)).graph
    tensors = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    producers = {output: node for node in graph.node for output in node.output}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    assert len(convolutions) >= 5
    for node in convolutions:
        weights, activations = producers[node.input[1]], producers[node.input[0]]
        assert weights.op_type == activations.op_type == "DequantizeLinear"
        assert tensors[weights.input[0]].dtype == np.int8
        assert tensors[weights.input[1]].shape == (tensors[weights.input[0]].shape[0],)
        assert not tensors[weights.input[2]].any()


@pytest.mark.parametrize("name", [ONNX_INT8, ONNX_INT8_TRT])
def test_int8_files_leave_the_logits_in_float(folder: Path, name: str) -> None:
    graph = onnx.load(str(folder / name)).graph
    producers = {made: node for node in graph.node for made in node.output}
    for output in graph.output:
        head = producers[output.name]
        assert head.op_type == "Add"
        inputs = {producers[made].op_type for made in head.input if made in producers}
        assert inputs == {"MatMul"}


def test_engine_is_built_by_the_real_builder(folder: Path) -> None:
    sidecar = json.loads((folder / SIDECAR).read_text())
    assert sidecar["engine"]["builder"] in ("tensorrt", "tensorrt_rtx")
    assert sidecar["engine"]["built_from"] == ONNX_FP16
    check_plan(folder / ENGINE, sidecar["engine"]["builder"])
    assert (folder / ENGINE).stat().st_size > 100_000


def test_tensorrts_int8_file_compiles_and_onnx_runtimes_does_not(folder: Path, tmp_path: Path) -> None:
    meta = load_exported(folder).meta
    facts = build_engine(folder / ONNX_INT8_TRT, tmp_path / ENGINE, meta, typical_batch=4, max_batch=8)
    assert facts["built_from"] == ONNX_INT8_TRT
    check_plan(tmp_path / ENGINE, facts["builder"])
    with pytest.raises(InputError, match="TensorRT cannot read"):
        build_engine(folder / ONNX_INT8, tmp_path / "no.engine", meta, typical_batch=4, max_batch=8)


def test_a_file_that_is_not_a_network_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "no.onnx").write_bytes(b"no network")
    with pytest.raises(InputError, match="TensorRT cannot read"):
        build_engine(tmp_path / "no.onnx", tmp_path / ENGINE, load_exported(folder).meta, typical_batch=4, max_batch=8)
    assert not (tmp_path / ENGINE).exists()


def test_cut_engine_is_refused(folder: Path, tmp_path: Path) -> None:
    cut = tmp_path / ENGINE
    cut.write_bytes((folder / ENGINE).read_bytes()[:-100])
    with pytest.raises(InputError, match="cut off"):
        check_plan(cut, "tensorrt_rtx")
    cut.write_bytes(b"nothing of the kind, but long enough")
    with pytest.raises(InputError, match="not a TensorRT engine"):
        check_plan(cut, "tensorrt_rtx")
    check_plan(cut, "tensorrt")  # whose form is not known here


@pytest.mark.gpu
@pytest.mark.skipif(gpu_capability() is None, reason="no CUDA device that PyTorch sees")
def test_engine_answers_as_onnx(folder: Path) -> None:
    inputs = crops(70)  # more than the engine takes at once
    built = json.loads((folder / SIDECAR).read_text())["engine"]
    expected = onnx_runner(folder / ONNX_FP16)(inputs)
    for got, want in zip(engine_runner(folder / ENGINE, built)(inputs), expected, strict=True):
        np.testing.assert_allclose(got, want, atol=0.02 * np.abs(want).max())


def test_sidecar_says_how_to_feed_and_where_from(folder: Path, round_folder: Path) -> None:
    sidecar = json.loads((folder / SIDECAR).read_text())
    assert sidecar["input"]["shape"] == ["batch", 3, 64, 64]
    assert sidecar["input"]["normalisation"]["mean"] == pytest.approx([0.485, 0.456, 0.406])
    assert sidecar["decode"] == {"kind": "simcc", "bins_per_px": 2}
    assert len(sidecar["model"]["keypoints"]) == 17
    assert (sidecar["model"]["taught"], sidecar["model"]["score"]) == (list(small_model.META.taught), None)
    assert sidecar["lineage"]["student_sha256"] == sha256_file(round_folder / "steps60" / "model.safetensors")
    assert sidecar["lineage"]["data_sha256"]["calibration"] == sha256_file(round_folder / "train.json")
    assert sidecar["calibration"]["crops"] == PARAMS.calibration_crops
    assert sidecar["calibration"]["nodes"]["QuantizeLinear"] > 5
    networks = {"model.safetensors", ONNX_FP32, ONNX_FP16, ONNX_INT8, ONNX_INT8_TRT, ENGINE, ONNX_GRAPH}
    assert set(sidecar["files"]) == {*networks, LEARNT_NAME}
    assert (folder / LEARNT_NAME).read_bytes() == (round_folder / "steps60" / LEARNT_NAME).read_bytes()
    for name, record in sidecar["files"].items():
        assert record["sha256"] == sha256_file(folder / name)
        assert record["bytes"] == (folder / name).stat().st_size


def test_metrics_compare_each_file_with_pytorch(folder: Path) -> None:
    metrics = json.loads((folder.parent / "report" / "metrics.json").read_text())
    assert metrics["torch"]["AP"] > 0.15
    assert metrics["oks_scale"] == "0.53 of the annotator's box"
    assert metrics["oks_sigmas"] == "COCO"
    assert metrics["fp32"]["keypoint_distance_px"]["max"] < 0.01
    assert metrics["fp16"]["keypoint_distance_px"]["mean"] < 0.5
    assert metrics["int8"]["AP_drop"] <= PARAMS.max_ap_drop.int8
    assert metrics["int8"]["bytes"] < metrics["fp32"]["bytes"]
    low, high = metrics["int8"]["AP_drop_interval"]
    assert low <= metrics["int8"]["AP_drop"] <= high and high - low < 0.3
    assert metrics["fp32"]["AP_drop_interval"] == pytest.approx([0, 0], abs=1e-3)
    assert metrics["int8"]["keypoint_distance_px"]["worst_joint"] in small_model.META.taught
    assert metrics["int8"]["ECE_rise"] == metrics["int8"]["ECE"] - metrics["torch"]["ECE"]
    assert (folder.parent / "report" / "int8_layers.md").read_text().startswith("# What INT8 loses")
    assert metrics["fp16"]["latency_ms_per_crop"]["one"]["median"] > 0
    assert metrics["int8_trt"]["AP_drop"] <= PARAMS.max_ap_drop.int8
    assert "latency_ms_per_crop" not in metrics["int8_trt"], "it is run for its accuracy alone"


def test_what_a_file_loses_is_measured_by_the_sigmas_of_the_project(round_folder: Path) -> None:
    people, images = read_people(round_folder / "val.json")
    net, meta = load_checkpoint(round_folder / "steps60")
    by_own, by_coco = (Ruler.of(meta, people, images, protocol) for protocol in (OWN_PROTOCOL, COCO))
    prediction = by_own.predict(torch_runner(net), "PyTorch")
    expected = coco_ap(people, images, prediction.as_people(people), OWN_PROTOCOL)["AP"]
    assert by_own.figures(prediction)["AP"] == pytest.approx(expected)
    assert expected < by_coco.figures(prediction)["AP"]


def test_sidecar_says_which_file_is_for_what(folder: Path) -> None:
    sidecar = json.loads((folder / SIDECAR).read_text())
    files = sidecar["files"]
    assert "with and without VNNI" in files[ONNX_INT8]["use"]
    assert files[ONNX_INT8_TRT]["use"].startswith("TensorRT")
    assert sidecar["calibration"]["largest_pair_of_products"] <= 2**15 - 1
    cpu = sidecar["cpu"]
    faster = [files[ONNX_FP32]["latency_ms"][batch] / files[ONNX_INT8]["latency_ms"][batch] for batch in ("1", "8")]
    assert list(cpu["int8_speedup"].values()) == pytest.approx(faster)
    assert cpu["file"] == (ONNX_INT8 if np.prod(faster) > 1 else ONNX_FP32)
    assert ("as fast as" if np.prod(faster) > 1 else "as long as") in cpu["why"]


def test_sidecar_names_the_runner_and_what_does_not_run(folder: Path) -> None:
    sidecar = json.loads((folder / SIDECAR).read_text())
    assert sidecar["runner"] not in sidecar["not_run"]
    assert {sidecar["runner"], *sidecar["not_run"]} <= {"engine", "onnx-cuda", "torch-cuda", "onnx-cpu"}
    if gpu_capability() is None:
        assert sidecar["runner"] == sidecar["files"][ONNX_FP16]["runner"] == "onnx-cpu"
        assert "CUDA device" in sidecar["not_run"]["engine"]
        assert "\n" not in "".join(sidecar["not_run"].values())


@pytest.mark.parametrize("name", [ONNX_FP16, ENGINE, LEARNT_NAME])
def test_a_flipped_byte_is_refused(folder: Path, tmp_path: Path, name: str) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in folder.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    load_exported(copy)
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    with pytest.raises(InputError, match=f"{name} is not the file that was exported"):
        load_exported(copy)
    (copy / name).unlink()
    with pytest.raises(InputError, match="missing"):
        load_exported(copy)


def test_a_lossy_file_fails_and_leaves_no_model(
    round_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(round_folder)
    strict = replace(PARAMS, engine=False, max_ap_drop=MaxApDrop(fp32=1.0, fp16=1.0, int8=-1.0, engine=1.0))
    strict = replace(strict, int8=Int8Params(aim_ap_drop=-1.0, most_in_float=1))
    says = r"model_int8\.onnx loses too much AP.*moves most, by .* px; most of it comes from /.*most_in_float"
    with pytest.raises(InputError, match=says):
        export_to(round_folder, "steps60", tmp_path / "model", strict)
    assert not (tmp_path / "model").exists()


def test_an_engine_that_does_not_run_here_does_not_stop_the_export(
    round_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On an H100 or H200 tensorrt_rtx builds for other GPUs; faked is the GPU alone."""
    if engine_library.installed("tensorrt_rtx") is None or gpu_capability() is not None:
        pytest.skip("asks tensorrt_rtx on a machine without a GPU")
    monkeypatch.chdir(round_folder)
    monkeypatch.setattr(engine_library, "gpu_capability", lambda: "9.0")
    sidecar = load_exported(export_to(round_folder, "steps60", tmp_path / "model")).sidecar
    assert sidecar["engine"]["capabilities"] == []
    assert "compute capability 9.0" in sidecar["not_run"]["engine"]
    assert "latency_ms" not in sidecar["files"][ENGINE]
    assert sidecar["runner"] == "onnx-cpu"


def test_same_weights_give_the_same_id(
    folder: Path, round_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(round_folder)
    again = export_to(round_folder, "steps60", tmp_path / "model", replace(PARAMS, engine=False))
    assert load_exported(again).id == load_exported(folder).id


def test_command_reads_its_section(round_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(round_folder)
    seen: list[ExportParams] = []
    monkeypatch.setattr(export, "run", lambda params, **paths: seen.append(params))
    (tmp_path / "params.yaml").write_text(
        "export: {calibration_crops: 4, calibration_method: entropy, engine: false, engine_capabilities: [7.5, 12],"
        " typical_batch: 2, max_batch: 4,"
        " max_ap_drop: {fp32: 0.1, fp16: 0.1, int8: 0.1, engine: 0.1}, int8: {aim_ap_drop: 0.1, most_in_float: 1},"
        " latency_runs: 1, threads: 1, seed: 0}\n"
        "oks: {sigmas: ''}\n"
    )
    unused = Path("unused")
    export.command(
        student=unused,
        calibration=unused,
        val=unused,
        out=unused,
        report=unused,
        params=tmp_path / "params.yaml",
    )
    assert seen[0].calibration_method == "entropy"
    assert seen[0].max_ap_drop.int8 == 0.1
    assert seen[0].engine_capabilities == [7.5, 12.0]
