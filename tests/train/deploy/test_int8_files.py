"""Both INT8 files within a budget of AP: which layers stay in float, and what file and page say about it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from dataengine.coco_json import read_people
from dataengine.inference.exported import ONNX_FP32, ONNX_INT8, ONNX_INT8_TRT
from dataengine.inference.held_crops import HeldCrops
from dataengine.inference.running.predict import onnx_runner
from dataengine.nets.checkpoint import load_checkpoint
from dataengine.train.deploy.accuracy import Ruler, distance_px
from dataengine.train.deploy.int8_files import Int8Files, write_int8_files
from dataengine.train.deploy.int8_page import page
from dataengine.train.deploy.last_layer import EVERYTHING, INPUTS, WEIGHTS, falls_of
from dataengine.train.deploy.onnx_files import write_fp32
from dataengine.train.deploy.params import Int8Params

from ..exported_models import PARAMS


@pytest.fixture(scope="module")
def ruler(round_folder: Path) -> Ruler:
    _, meta = load_checkpoint(round_folder / "steps60")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(round_folder)
        return Ruler.of(meta, *read_people(round_folder / "val.json"))


@pytest.fixture(scope="module")
def calibration(round_folder: Path, ruler: Ruler) -> HeldCrops:
    people, images = read_people(round_folder / "train.json")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(round_folder)
        return HeldCrops.of(people.take(np.arange(16)), images, ruler.meta.crop)


@pytest.fixture
def folder(round_folder: Path, tmp_path: Path) -> Path:
    write_fp32(*load_checkpoint(round_folder / "steps60"), tmp_path / ONNX_FP32)
    return tmp_path


def written(ruler: Ruler, calibration: HeldCrops, folder: Path, budget: Int8Params) -> Int8Files:
    return write_int8_files(replace(PARAMS, int8=budget), ruler, calibration, folder)


def quantised_products(path: Path) -> set[str]:
    """Names of the products in a file whose weights come from a DequantizeLinear."""
    graph = onnx.load(str(path)).graph
    made_by = {made: node.op_type for node in graph.node for made in node.output}
    products = [node for node in graph.node if node.op_type in ("Conv", "MatMul", "Gemm")]
    return {node.name for node in products if made_by.get(node.input[1]) == "DequantizeLinear"}


def test_within_the_aim_every_layer_is_in_8_bits(ruler: Ruler, calibration: HeldCrops, folder: Path) -> None:
    files = written(ruler, calibration, folder, Int8Params(aim_ap_drop=1.0, most_in_float=3))
    assert (files.kept, files.blamed, list(files.ap_drop)) == ((), (), [()])
    graph = onnx.load(str(folder / ONNX_FP32)).graph
    every = {node.name for node in graph.node if node.op_type in ("Conv", "MatMul", "Gemm")}
    assert quantised_products(folder / ONNX_INT8) == quantised_products(folder / ONNX_INT8_TRT) == every
    assert "Within the aim, 0.15: no layer is left in float." in page(files, PARAMS.int8, ruler.meta, 9)


def test_beyond_the_aim_the_number_that_loses_least_stays_in_float(
    ruler: Ruler, calibration: HeldCrops, folder: Path
) -> None:
    budget = Int8Params(aim_ap_drop=-1.0, most_in_float=2)  # which no file reaches
    files = written(ruler, calibration, folder, budget)
    tried = {files.top(number): files.ap_drop[files.top(number)] for number in range(3)}
    assert tried[files.kept] == min(tried.values())
    assert files.facts["layers_in_float"] == list(files.kept)
    distances = [each.distance_px for each in files.blamed]
    assert distances == sorted(distances)
    for name in (ONNX_INT8, ONNX_INT8_TRT):
        assert not quantised_products(folder / name) & set(files.kept), "what is written last is what was chosen"
        assert len(quantised_products(folder / name)) == len(files.blamed) - len(files.kept)
    plain = calibration.predict(onnx_runner(folder / ONNX_FP32), ruler.meta)
    eight_bits = calibration.predict(onnx_runner(folder / ONNX_INT8), ruler.meta)
    assert distance_px(eight_bits, plain)["mean"] <= files.distance_px
    lines = page(files, budget, ruler.meta, 9)
    assert "ot within the aim, -1, " in "\n".join(lines)
    assert len([line for line in lines if line.startswith("| `")]) == len(files.blamed)


def test_layers_are_ranked_within_the_aim_where_that_is_asked(
    ruler: Ruler, calibration: HeldCrops, folder: Path
) -> None:
    files = written(ruler, calibration, folder, Int8Params(aim_ap_drop=1.0, most_in_float=0, rank_layers=True))
    assert files.kept == () and list(files.ap_drop) == [()], "no AP decides the order"
    assert len(files.blamed) == len(quantised_products(folder / ONNX_INT8))
    lines = page(files, PARAMS.int8, ruler.meta, 9)
    assert len([line for line in lines if line.startswith("| `")]) == len(files.blamed)


def test_every_layer_is_measured_where_that_is_asked(ruler: Ruler, calibration: HeldCrops, folder: Path) -> None:
    files = written(ruler, calibration, folder, Int8Params(aim_ap_drop=1.0, most_in_float=0, every_layer=True))
    assert files.kept == ()
    assert {each.block.layers for each in files.blamed} | {files.top(2)} <= set(files.ap_drop)
    assert not [
        line for line in page(files, PARAMS.int8, ruler.meta, 9) if line.startswith("| `") and line.endswith("| - |")
    ]
    assert len(quantised_products(folder / ONNX_INT8)) == len(files.blamed), "nothing of the search is left in the file"
    assert files.last_layer is not None
    assert files.last_layer.layers == ("/to_x/MatMul", "/to_y/MatMul")
    moved = files.last_layer.moved_px
    assert moved[EVERYTHING] == pytest.approx(files.distance_px)
    assert max(moved[WEIGHTS], moved[INPUTS]) < moved[EVERYTHING]
    assert all(falls.fall > 0 and falls.of_fall > 0 for falls in files.last_layer.falls.values())
    assert any(line.startswith(f"| {WEIGHTS} |") for line in page(files, PARAMS.int8, ruler.meta, 9))


def test_what_peak_and_neighbour_share_is_no_error_of_the_fall() -> None:
    rng = np.random.default_rng(0)
    maps = rng.normal(size=(2, 3, 5, 6))
    shared = falls_of([maps], [maps + 0.25])
    width = maps.max() - maps.min()
    assert (shared.at_peak, shared.of_fall) == (pytest.approx(0.25 / width), pytest.approx(0, abs=1e-12))
    falls = []
    for one in maps.reshape(6, 5, 6):  # the same by loops
        y, x = np.unravel_index(one.argmax(), one.shape)
        around = [(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)]
        falls += [one[y, x] - one[at] for at in around if 0 <= at[0] < 5 and 0 <= at[1] < 6]
    assert shared.fall == pytest.approx(np.mean(falls) / width)
