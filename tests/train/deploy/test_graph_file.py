"""The file that decodes inside, against our own runner and `extract_crop`, on random and on drawn pictures."""

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from dataengine import load_model
from dataengine.coco_json import read_people
from dataengine.crops.pixels import normalise
from dataengine.crops.spec import crop_matrix, extract_crop
from dataengine.errors import EnvironmentFault, InputError
from dataengine.infer.estimating import Estimator
from dataengine.infer.models import open_model
from dataengine.inference.exported import INPUT, ONNX_FP32, ONNX_GRAPH, ONNX_INT8, load_exported
from dataengine.inference.in_graph import CropGraph, PictureGraph, describe, open_graph
from dataengine.inference.running.predict import Prediction, predict_crops, torch_runner
from dataengine.nets.checkpoint import ModelMeta
from dataengine.nets.joint_confidence import ConfidenceCurve, JointCurves
from dataengine.pictures.reading.decoding import read_picture
from dataengine.train.deploy.graph_feeding import picture_to_images
from dataengine.train.deploy.graph_file import write_graph
from dataengine.train.deploy.onnx_files import write_fp32

from ...helpers.fitting_project import one_torch_thread

BOXES = np.array([[20.0, 30, 40, 60], [200, 100, 45.5, 51], [-20, -10, 60, 60], [370, 260, 50, 60]])
"""People who are shown larger than life, two of them cut by the picture's edge."""
LARGE = np.array([[10.0, 10, 200, 250], [100, 20, 290, 270]])
"""People whom the crop shows smaller than half their size."""
CURVES = JointCurves(
    ConfidenceCurve((0.0, 0.001, 0.5, 1.0), (0.1, 0.4, 0.7, 0.75)), {"nose": ConfidenceCurve((0.1, 0.9), (0.2, 0.3))}
)
FIGURES = ("keypoints_px", "confidence", "spread_px", "entropy")


def picture(noise: int = 3) -> np.ndarray:
    """A smooth random picture (300, 400, 3)."""
    coarse = np.random.default_rng(noise).uniform(0, 255, (3, 24, 32))
    smooth = torch.nn.functional.interpolate(torch.from_numpy(coarse)[None], (300, 400), mode="bicubic")[0]
    return smooth.clamp(0, 255).byte().permute(1, 2, 0).contiguous().numpy()


def meta_of(**changes: Any) -> ModelMeta:
    small = {"channels": (8, 12, 16), "blocks": (1, 1, 1), **changes.pop("kwargs", {})}
    return ModelMeta("residual", small, input_width_px=48, input_height_px=64, **changes)


def network(meta: ModelMeta, folder: Path) -> torch.nn.Module:
    """Random weights, and answers that are far from flat; its file lies in `folder`."""
    torch.manual_seed(1)
    net = meta.build().eval()
    with torch.no_grad():
        for name, tensor in net.named_parameters():
            tensor.mul_(40 if name.startswith(("final_layer", "to_x", "to_y")) else 1)
            if name in ("to_log_spread.weight", "to_presence.weight"):  # they begin as zeros
                tensor.normal_()
    write_fp32(net, meta, folder / ONNX_FP32)
    return net


def wanted(net: torch.nn.Module, meta: ModelMeta, image: np.ndarray, boxes: np.ndarray) -> Prediction:
    matrices = crop_matrix(boxes, meta.crop)
    crops = np.stack([extract_crop(image, matrix, meta.crop) for matrix in matrices])
    return predict_crops(torch_runner(net), meta, crops, matrices)


@pytest.mark.parametrize(
    "meta",
    [
        meta_of(),
        meta_of(head="heatmap"),
        meta_of(head="heatmap", kwargs={"coordinates": "stride", "blur_sigma": 0.0}),
        meta_of(joint_confidence=CURVES),
        meta_of(head="rtmcc", kwargs={"hidden": 32}),
        meta_of(joint_confidence=CURVES, kwargs={"spread": True, "presence": True}),
    ],
    ids=["simcc", "heatmap", "heatmap as public files have it", "simcc, calibrated", "rtmcc", "spread and presence"],
)
def test_crops_give_the_joints_of_our_runner(meta: ModelMeta, tmp_path: Path) -> None:
    with one_torch_thread(), warnings.catch_warnings():
        warnings.simplefilter("error")
        net = network(meta, tmp_path)
        write_graph(tmp_path, meta, "crops", "fp32")
        crops = np.random.default_rng(0).integers(0, 256, (7, 64, 48, 3), dtype=np.uint8)
        matrices = crop_matrix(np.tile(BOXES[:1], (7, 1)), meta.crop)
        expected = predict_crops(torch_runner(net), meta, crops, matrices)
        for batch in (1, 7):
            got = predict_crops(CropGraph(tmp_path / ONNX_GRAPH, 1, meta), meta, crops, matrices, batch=batch)
            for name in FIGURES:
                np.testing.assert_allclose(getattr(got, name), getattr(expected, name), atol=2e-3, err_msg=name)


def test_a_picture_and_boxes_give_the_joints_of_our_runner(tmp_path: Path) -> None:
    with one_torch_thread():
        meta = meta_of()
        net = network(meta, tmp_path)
        write_graph(tmp_path, meta, "picture", "fp32")
        graph = PictureGraph(tmp_path / ONNX_GRAPH, 1, meta)
        for boxes, atol in ((BOXES, 0.01), (LARGE, 0.05)):
            got, expected = graph.predict(picture(), boxes), wanted(net, meta, picture(), boxes)
            distance = np.linalg.norm(got.keypoints_px - expected.keypoints_px, axis=2)
            # the others have a second peak of the same height, as networks that have learnt nothing may
            assert np.mean(distance < atol) > 0.9
            np.testing.assert_allclose(got.spread_px, expected.spread_px, rtol=0.01)
            np.testing.assert_allclose(got.entropy, expected.entropy, atol=0.01)
    assert len(graph.predict(picture(), np.empty((0, 4))).confidence) == 0
    with pytest.raises(InputError, match="a box is empty"):
        graph.predict(picture(), np.array([[0.0, 0, 0, 10]]))


@pytest.mark.parametrize(("boxes", "levels", "mean"), [(BOXES, 4.01, 0.1), (LARGE, 3.01, 0.4)], ids=["small", "large"])
def test_crops_that_the_file_cuts_are_ours(boxes: np.ndarray, levels: float, mean: float) -> None:
    """Within a few levels of 255 of what OpenCV cuts, the edge of the picture among it."""
    meta = meta_of()
    part = picture_to_images(meta)
    part.ir_version = 8  # the one that the exporter's files have
    session = onnxruntime.InferenceSession(part.SerializeToString(), providers=["CPUExecutionProvider"])
    feed = {"picture": np.ascontiguousarray(picture()[..., ::-1]), "boxes_xywh_px": boxes.astype(np.float32)}
    got = session.run([INPUT], feed)[0]
    crops = np.stack([extract_crop(picture(), matrix, meta.crop) for matrix in crop_matrix(boxes, meta.crop)])
    apart = np.abs(got - normalise(crops, meta.mean, meta.std)) * 255 * np.array(meta.std)[:, None, None]
    assert apart.max() <= levels and apart.mean() <= mean


def test_names_and_opset_are_those_that_programs_are_written_for(exported: dict[str, Path]) -> None:
    """Whoever changes one of these breaks programs around exported files: change `exported.FORMAT` with it."""
    good, bad = (onnx.load(str(exported[name] / ONNX_GRAPH)) for name in ("good", "bad"))
    for model in (good, bad, onnx.load(str(exported["good"] / ONNX_FP32))):
        assert {each.domain: each.version for each in model.opset_import}[""] == 17
    names = ["keypoints_px", "confidence", "spread_px", "entropy"]
    assert [each.name for each in good.graph.output] == [each.name for each in bad.graph.output] == names
    assert [each.name for each in good.graph.input] == ["crops"]
    assert [each.name for each in bad.graph.input] == ["picture", "boxes_xywh_px"]
    plain = onnx.load(str(exported["good"] / ONNX_FP32)).graph
    assert [each.name for each in (*plain.input, *plain.output)] == ["images", "simcc_x", "simcc_y"]
    for graph in (good.graph, bad.graph, plain):
        first = [each.type.tensor_type.shape.dim[0].dim_param for each in (*graph.input, *graph.output)]
        assert set(first) <= {"batch", "height"}


def test_the_sidecar_says_how_the_file_is_fed(exported: dict[str, Path]) -> None:
    for name, takes, inside in (("good", "crops", ONNX_FP32), ("bad", "picture", ONNX_INT8)):
        model = load_exported(exported[name])
        record = model.sidecar["graph"]
        assert record == describe(model.meta, takes, inside)  # type: ignore[arg-type]
        graph = onnx.load(str(exported[name] / ONNX_GRAPH)).graph
        for said, made in zip((*record["inputs"], *record["outputs"]), (*graph.input, *graph.output), strict=True):
            dims = [each.dim_param or each.dim_value for each in made.type.tensor_type.shape.dim]
            kind = onnx.helper.tensor_dtype_to_np_dtype(made.type.tensor_type.elem_type)
            assert (said["name"], said["shape"], said["dtype"]) == (made.name, dims, kind.name)
        assert "ONNX Runtime" in model.sidecar["files"][ONNX_GRAPH]["use"]


@pytest.mark.parametrize(("name", "inside"), [("good", ONNX_FP32), ("bad", ONNX_INT8)])
def test_a_model_is_run_by_such_a_file(
    exported: dict[str, Path], round_folder: Path, name: str, inside: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(round_folder)
    people, images = read_people(round_folder / "val.json")
    path = str(images.path[images.rows_of(people.image_id[:1])][0])
    boxes = people.bbox_xywh_px[people.image_id == people.image_id[0]]
    got, expected = (
        load_model(exported[name] / file, device="cpu")(path, boxes_xywh_px=boxes) for file in (ONNX_GRAPH, inside)
    )
    atol = 1e-2 if name == "good" else 0.5  # INT8 rounds to the other side where a crop differs by a level
    apart = np.linalg.norm(got.keypoints_px - expected.keypoints_px, axis=2)
    assert np.mean(apart < atol) > 0.9  # the others have two peaks
    np.testing.assert_allclose(got.score, expected.score, atol=atol / 10)
    assert len(got) == len(boxes) and read_picture(path).shape[2] == 3


def test_what_needs_more_than_joints_is_refused(exported: dict[str, Path]) -> None:
    runner = open_graph(load_exported(exported["good"]), 1)
    assert isinstance(runner, CropGraph)
    meta, crops = load_exported(exported["good"]).meta, np.zeros((1, 64, 64, 3), dtype=np.uint8)
    with pytest.raises(EnvironmentFault, match=r"model_graph.onnx gives joints alone"):
        predict_crops(runner, meta, crops, crop_matrix(BOXES[:1], meta.crop), flip_test=True)
    with pytest.raises(EnvironmentFault, match="cuts its crops by itself"):
        Estimator(open_model(exported["bad"] / ONNX_GRAPH), flip_test=True)


def test_an_export_without_such_a_file_says_how_to_get_one(exported: dict[str, Path]) -> None:
    model = load_exported(exported["good"])
    sidecar = {key: value for key, value in model.sidecar.items() if key != "graph"}
    with pytest.raises(InputError, match=r"export\.graph\.takes"):
        open_graph(replace(model, sidecar=sidecar), 1)
    with pytest.raises(InputError, match="fed in an unknown way"):
        open_graph(replace(model, sidecar={**sidecar, "graph": {"takes": "letters"}}), 1)
