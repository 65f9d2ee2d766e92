import collections
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dataengine.coco_json import read_people
from dataengine.errors import EnvironmentFault, InputError
from dataengine.inference.exported import ONNX_FP32, ONNX_INT8, ONNX_INT8_TRT, load_exported
from dataengine.inference.running.predict import onnx_runner, predict_people
from dataengine.train.deploy import quantise
from dataengine.train.deploy.quantise import BATCH, PAIR_LIMIT, largest_pair, write_int8

from .quantised_reference import quantised_convolutions, run_exactly, saturating_products


def extreme_network(folder: Path) -> Path:
    """Convolutions with weights at both ends of their range, in halves: neighbours add up, and the sums cancel."""
    rng = np.random.default_rng(0)

    def weight(outputs: int, inputs: int) -> np.ndarray:
        signs = np.where(np.arange(inputs * 9) < inputs * 9 // 2, 1.0, -1.0).reshape(inputs, 3, 3)
        return (signs * rng.uniform(0.9, 1.0, (outputs, inputs, 3, 3))).astype(np.float32)

    make, numpy_helper = onnx.helper, onnx.numpy_helper
    sizes: dict[str, Any] = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "strides": [1, 1]}
    weights = [weight(8, 3), weight(8, 8), weight(2, 8)]
    nodes = [
        make.make_node("Conv", ["images", "w0", "b0"], ["c0"], name="first", **sizes),
        make.make_node("Relu", ["c0"], ["r0"], name="relu0"),
        make.make_node("Conv", ["r0", "w1", "b1"], ["c1"], name="second", **sizes),
        make.make_node("Relu", ["c1"], ["r1"], name="relu1"),
        make.make_node("Conv", ["r1", "w2", "b2"], ["heatmaps"], name="head", **sizes),
    ]
    tensors = [numpy_helper.from_array(w, f"w{i}") for i, w in enumerate(weights)]
    # a bias that lifts the first ReLU's whole map near the top of its range
    biases = [np.full(8, 60.0), np.zeros(8), np.zeros(2)]
    tensors += [numpy_helper.from_array(b.astype(np.float32), f"b{i}") for i, b in enumerate(biases)]
    shape = make.make_tensor_value_info
    graph = make.make_graph(
        nodes,
        "extreme",
        [shape("images", onnx.TensorProto.FLOAT, ["batch", 3, 12, 12])],
        [shape("heatmaps", onnx.TensorProto.FLOAT, ["batch", 2, 12, 12])],
        tensors,
    )
    model = make.make_model(graph, opset_imports=[make.make_opsetid("", 17)], ir_version=8)
    path = folder / "extreme.onnx"
    onnx.save(model, str(path))
    return path


def bright_images(count: int) -> np.ndarray:
    return np.random.default_rng(1).uniform(1.8, 2.0, (count, 3, 12, 12)).astype(np.float32)


@pytest.fixture(scope="module")
def extreme(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(for ONNX Runtime, for TensorRT) of the extreme network."""
    folder = tmp_path_factory.mktemp("extreme")
    paths = folder / "ort.onnx", folder / "trt.onnx"
    write_int8(extreme_network(folder), bright_images(12), "minmax", onnx_runtime=paths[0], tensorrt=paths[1])
    return paths


def relative_loss(got: np.ndarray, exact: np.ndarray) -> float:
    return float(np.abs(got - exact).sum() / np.abs(exact).sum())


def test_near_full_range_signed_weights_of_8_bits_saturate_and_those_of_7_do_not(extreme: tuple[Path, Path]) -> None:
    images = bright_images(2)
    (safe, *_), (signed, *_) = (quantised_convolutions(path, images)[1:] for path in extreme)
    assert safe.patches.max() > 240 and np.abs(safe.weights).max() == 64
    assert signed.patches.max() > 120 and np.abs(signed.weights).max() == 127
    np.testing.assert_array_equal(safe.saturating, safe.exact)
    assert relative_loss(signed.saturating, signed.exact) > 0.9, "the kind of file that this one replaced for the CPU"


def test_all_convolutions_of_the_file_are_exact_without_vnni(
    exported: dict[str, Path], extreme: tuple[Path, Path]
) -> None:
    crops = np.random.default_rng(0).normal(size=(2, 3, 64, 64)).astype(np.float32)
    for path, images in ((exported["good"] / ONNX_INT8, crops), (extreme[0], bright_images(2))):
        found = quantised_convolutions(path, images)
        assert len(found) >= 2
        for convolution in found:
            np.testing.assert_array_equal(convolution.saturating, convolution.exact)


@settings(deadline=None)
@given(
    arrays(np.uint8, (3, 16)),
    arrays(np.int8, (16, 4), elements=st.integers(-64, 64)),
)
def test_weights_of_7_bits_never_saturate(activations: np.ndarray, weights: np.ndarray) -> None:
    exact = activations.astype(np.int64) @ weights.astype(np.int64)
    np.testing.assert_array_equal(saturating_products(activations, weights), exact)


def test_a_pair_beyond_16_bits_is_cut_off() -> None:
    cut = saturating_products(np.full((1, 2), 255, np.uint8), np.array([[127], [127]], np.int8))
    assert cut.item() == 32_767
    assert (
        saturating_products(np.full((1, 3), 255, np.uint8), np.array([[-128]] * 3, np.int8)).item() == -32_768 - 32_640
    )


def test_onnx_runtime_gives_the_integers_of_the_file(extreme: tuple[Path, Path]) -> None:
    """On this CPU, whatever it is: the optimised graph against the arithmetic of the file in float64."""
    images = bright_images(3)
    expected = run_exactly(extreme[0], images)
    step = np.abs(expected[0]).max() / 255
    np.testing.assert_allclose(onnx_runner(extreme[0])(images)[0], expected[0], atol=2 * step)


def test_the_exported_models_keypoints_are_those_of_its_arithmetic(
    exported: dict[str, Path], round_folder: Path
) -> None:
    model = load_exported(exported["good"])
    people, images = read_people(round_folder / "test.json", root=round_folder)
    path = model.folder / ONNX_INT8
    here = predict_people(onnx_runner(path), model.meta, people, images).keypoints_px
    exact = predict_people(lambda crops: tuple(run_exactly(path, crops)), model.meta, people, images).keypoints_px
    distance = np.linalg.norm(here - exact, axis=2)
    assert distance.mean() < 0.05, "pixels of the image: less than a tenth of a bin"
    assert np.quantile(distance, 0.99) < 1.0


def test_each_runtime_gets_what_it_reads(exported: dict[str, Path]) -> None:
    kinds = {}
    for name in (ONNX_INT8, ONNX_INT8_TRT):
        graph = onnx.load(str(exported["good"] / name)).graph
        tensors = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
        read = [node for node in graph.node if node.op_type == "DequantizeLinear"]
        zero_points = [tensors[node.input[2]] for node in read]
        kinds[name] = {str(zero_point.dtype) for zero_point in zero_points}
        if name == ONNX_INT8_TRT:
            assert not any(zero_point.any() for zero_point in zero_points), "its parser takes no other"
    assert kinds[ONNX_INT8] == {"uint8", "int8", "int32"}  # activations, weights, biases
    assert kinds[ONNX_INT8_TRT] == {"int8"}


def test_every_convolution_runs_in_integers(exported: dict[str, Path], tmp_path: Path) -> None:
    """A ReLU left between a convolution and its Q/DQ pair keeps ONNX Runtime from it: INT8 is then slower than FP32."""
    fused = optimised_operators(exported["good"] / ONNX_INT8, tmp_path / "fused.onnx")
    assert fused["QLinearConv"] == optimised_operators(exported["good"] / ONNX_FP32, tmp_path / "plain.onnx")["Conv"]
    assert fused["MatMulIntegerToFloat"] == 2
    assert not {"Conv", "Relu", "DequantizeLinear"} & set(fused)


def optimised_operators(path: Path, out: Path) -> collections.Counter[str]:
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(out)
    options.log_severity_level = 3
    onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return collections.Counter(node.op_type for node in onnx.load(str(out)).graph.node)


@pytest.mark.parametrize("method", ["minmax", "entropy", "percentile"])
@pytest.mark.parametrize("count", [1, BATCH + 3, 2 * BATCH])
def test_any_number_of_crops_calibrates(tmp_path: Path, method: quantise.CalibrationMethod, count: int) -> None:
    paths = {"onnx_runtime": tmp_path / "ort.onnx", "tensorrt": tmp_path / "trt.onnx"}
    write_int8(extreme_network(tmp_path), bright_images(count), method, **paths)
    images = bright_images(2)
    want = onnx_runner(tmp_path / "extreme.onnx")(images)[0]
    assert relative_loss(onnx_runner(paths["onnx_runtime"])(images)[0], want) < 0.2


def test_ranges_are_those_of_all_crops(tmp_path: Path) -> None:
    """The brightest crop is in the last batch, which is not full."""
    crops = bright_images(BATCH + 1)
    crops[-1] *= 10
    paths = {"onnx_runtime": tmp_path / "ort.onnx", "tensorrt": tmp_path / "trt.onnx"}
    write_int8(extreme_network(tmp_path), crops, "minmax", **paths)
    first = next(node for node in onnx.load(str(paths["onnx_runtime"])).graph.node if node.op_type == "QuantizeLinear")
    tensors = {t.name: onnx.numpy_helper.to_array(t) for t in onnx.load(str(paths["onnx_runtime"])).graph.initializer}
    assert float(tensors[first.input[1]]) == pytest.approx(crops.max() / 255, rel=1e-5)


def test_an_empty_set_of_crops_is_refused(tmp_path: Path) -> None:
    paths = {"onnx_runtime": tmp_path / "ort.onnx", "tensorrt": tmp_path / "trt.onnx"}
    with pytest.raises(InputError, match="no crop to calibrate"):
        write_int8(extreme_network(tmp_path), bright_images(0), "minmax", **paths)


def test_a_quantiser_that_writes_8_bits_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantise, "ONNX_RUNTIME", replace(quantise.ONNX_RUNTIME, seven_bit_weights=False))
    paths = {"onnx_runtime": tmp_path / "ort.onnx", "tensorrt": tmp_path / "trt.onnx"}
    with pytest.raises(EnvironmentFault, match="saturate"):
        write_int8(extreme_network(tmp_path), bright_images(4), "minmax", **paths)


def test_largest_pair_is_what_the_weights_allow(extreme: tuple[Path, Path]) -> None:
    assert largest_pair(extreme[0]) == 2 * 255 * 64 <= PAIR_LIMIT
    assert largest_pair(extreme[1]) == 2 * 255 * 127 > PAIR_LIMIT
