"""RT-DETR and D-FINE by path, on small random models written by transformers itself."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from dataengine.errors import InputError, ParamsError
from dataengine.films.detectors import check_choice
from dataengine.films.transformers_detector import TransformersDetector

transformers = pytest.importorskip("transformers")
SIDE_PX = 64
COMMON: dict[str, Any] = {
    "encoder_hidden_dim": 16,
    "encoder_ffn_dim": 16,
    "encoder_attention_heads": 2,
    "d_model": 16,
    "num_queries": 20,
    "decoder_in_channels": [16, 16, 16],
    "decoder_ffn_dim": 16,
    "decoder_layers": 2,
    "decoder_attention_heads": 2,
    "hidden_expansion": 0.5,
    "id2label": {0: "dog", 1: "person", 2: "car"},
}
STAGES = ["stage2", "stage3", "stage4"]


def rt_detr() -> Any:
    backbone = transformers.RTDetrResNetConfig(
        embedding_size=8, hidden_sizes=[8, 8, 16, 16], depths=[1, 1, 1, 1], layer_type="basic", out_features=STAGES
    )
    config = transformers.RTDetrConfig(
        backbone_config=backbone, encoder_in_channels=[8, 16, 16], decoder_n_points=2, **COMMON
    )
    return transformers.RTDetrForObjectDetection(config)


def d_fine() -> Any:
    backbone = transformers.HGNetV2Config(
        stem_channels=[3, 8, 8],
        stage_in_channels=[8, 8, 16, 16],
        stage_mid_channels=[8, 8, 8, 8],
        stage_out_channels=[8, 16, 16, 16],
        stage_num_blocks=[1, 1, 1, 1],
        stage_light_block=[False] * 4,
        stage_kernel_size=[3, 3, 3, 3],
        stage_numb_of_layers=[1, 1, 1, 1],
        hidden_sizes=[8, 16, 16, 16],
        embedding_size=8,
        out_features=STAGES,
    )
    config = transformers.DFineConfig(
        backbone_config=backbone, encoder_in_channels=[16] * 3, decoder_n_points=[2] * 3, max_num_bins=8, **COMMON
    )
    return transformers.DFineForObjectDetection(config)


@pytest.fixture(scope="module", params=[rt_detr, d_fine], ids=["RT-DETR", "D-FINE"])
def published(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A folder as ``save_pretrained`` writes it, and the model in it."""
    torch.manual_seed(0)
    model = request.param().eval()
    weight, bias = model.model.decoder.class_embed[-1].weight.data, model.model.decoder.class_embed[-1].bias.data
    weight[:], bias[:] = 0.0, -20.0
    weight[1], bias[1] = torch.randn(weight.shape[1]), 0.0
    with torch.no_grad():  # all queries are dogs alike, and half of them are rather people
        bias[0] = model(pixel_values=torch.rand(1, 3, SIDE_PX, SIDE_PX)).logits[..., 1].median()
    folder = tmp_path_factory.mktemp("detector")
    model.save_pretrained(folder)
    transformers.RTDetrImageProcessorPil(size={"height": SIDE_PX, "width": SIDE_PX}).save_pretrained(folder)
    return folder, model


@pytest.fixture(scope="module")
def picture_bgr() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (50, 90, 3)).astype(np.uint8)


def people_by_hand(model: Any, picture_bgr: np.ndarray, least_score: float) -> tuple[np.ndarray, np.ndarray]:
    """Boxes and scores of class 1 in float64 numpy, by the papers' rule: the best twenty (query, class) pairs."""
    resized = Image.fromarray(picture_bgr[..., ::-1]).resize((SIDE_PX, SIDE_PX), Image.Resampling.BILINEAR)
    pixels = torch.from_numpy(np.asarray(resized, dtype=np.float32) / 255).permute(2, 0, 1)[None]
    with torch.no_grad():
        answer = model(pixel_values=pixels)
    logits, middle = (each[0].numpy().astype(np.float64) for each in (answer.logits, answer.pred_boxes))
    score = 1 / (1 + np.exp(-logits))
    best = np.argsort(-score.ravel())[: len(logits)]
    best = best[(score.ravel()[best] > least_score) & (best % 3 == 1)]
    boxes = np.concatenate([middle[:, :2] - middle[:, 2:] / 2, middle[:, 2:]], axis=1)[best // 3]
    height, width = picture_bgr.shape[:2]
    corners = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1) * [width, height, width, height]
    corners = np.clip(corners, 0, [width, height, width, height])
    return np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1), score.ravel()[best]


def test_people_are_those_of_the_librarys_post_processing(published: tuple[Path, Any], picture_bgr: np.ndarray) -> None:
    folder, model = published
    boxes, score = people_by_hand(model, picture_bgr, 0.0)
    assert len(boxes) > 2
    least = float(np.sort(score)[len(score) // 2]) - 1e-4
    detector = TransformersDetector(str(folder), every=3, least_score=least)
    assert detector.every == 3
    expected, _ = people_by_hand(model, picture_bgr, least)
    assert 0 < len(expected) < len(boxes)
    np.testing.assert_allclose(detector.boxes(0, picture_bgr), expected, atol=0.01)
    np.testing.assert_allclose(detector.scored(picture_bgr, least)[1], np.sort(score)[::-1][: len(expected)], atol=1e-5)


def test_doubtful_people_count_where_somebody_is_expected(published: tuple[Path, Any], picture_bgr: np.ndarray) -> None:
    folder, model = published
    boxes, score = people_by_hand(model, picture_bgr, 0.0)
    detector = TransformersDetector(str(folder), every=1, least_score=float(score[0]) + 0.001)
    assert not len(detector.boxes(0, picture_bgr))
    expected = boxes[score > detector._least_score / 2][:1]
    near = detector.near(picture_bgr, expected)
    assert np.abs(near - expected).max(axis=1).min() < 0.01
    assert not len(detector.near(picture_bgr, np.array([[500.0, 500.0, 9.0, 9.0]])))


def test_what_is_no_detector_is_one_line(published: tuple[Path, Any], tmp_path: Path) -> None:
    folder, _ = published

    def refused(source: str, says: str) -> None:
        with pytest.raises((InputError, ParamsError), match=says) as caught:
            TransformersDetector(source, every=1)
        assert "\n" not in str(caught.value)

    (tmp_path / "empty").mkdir()
    refused(str(tmp_path / "empty"), "holds no detector model")
    refused("PekingU/rtdetr_r18vd", "names no commit of a hub model")

    def changed(name: str, **values: Any) -> Path:
        copy = tmp_path / name
        shutil.copytree(folder, copy)
        config = json.loads((copy / "config.json").read_text())
        (copy / "config.json").write_text(json.dumps({**config, **values}))
        return copy

    dogs = changed("dogs", id2label={"0": "dog", "1": "cat", "2": "car"})
    refused(str(dogs), "class named person in id2label, got dog, cat, car")
    refused(str(changed("pose", model_type="vitpose")), "model_type rt_detr, rt_detr_v2, d_fine")
    pickled = changed("pickled")
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    refused(str(pickled), "cannot be loaded")
    bare = changed("bare")
    (bare / "preprocessor_config.json").unlink()
    refused(str(bare), "cannot be loaded")


def test_without_the_hub_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match="access to the hub"):
        TransformersDetector("somebody/detector@" + "0" * 40, every=1)


def test_contradicting_options_are_refused() -> None:
    check_choice("blazepose", None, None)
    check_choice("blazepose", Path("boxes.json"), 0.3)
    for detector, boxes, score in (("x", Path("b"), None), ("blazepose", None, 0.5), ("x", None, float("nan"))):
        with pytest.raises(ParamsError):
            check_choice(detector, boxes, score)
