"""Predictions are those of a plain loop: one person after the other, OpenCV, numpy, the network, the head."""

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from dataengine.crops.spec import affine_scale, apply_affine, crop_matrix, extract_crop, invert_affine
from dataengine.inference.running.predict import predict_both_ways, predict_people, torch_runner
from dataengine.inference.running.prediction import Prediction
from dataengine.nets.checkpoint import ModelMeta
from dataengine.people import Images, People

from ..crowds import crowd

SMALL = {"channels": [8, 8], "blocks": [1, 1]}
METAS = {
    head: ModelMeta("residual", SMALL, input_width_px=48, input_height_px=64, head=head)
    for head in ("simcc", "heatmap")
}
# Neither sorted nor grouped; picture 3 has nobody.
PICTURES = [2, 0, 2, 5, 1, 0, 4, 4, 4, 2, 1, 0, 5]
FIELDS = ("keypoints_px", "confidence", "spread_px", "entropy")


def plain_loop(net: nn.Module, meta: ModelMeta, people: People, images: Images, sides: list[bool]) -> Prediction:
    """`sides`: which crops to average over, False as they are, True mirrored."""
    rows = []
    for i, image_id in enumerate(people.image_id):
        picture = np.asarray(cv2.imread(str(images.path[list(images.id).index(image_id)])), dtype=np.uint8)
        matrix = crop_matrix(people.bbox_xywh_px[i], meta.crop)[0]
        crop = extract_crop(picture, matrix, meta.crop)[..., ::-1] / np.float32(255)
        image = ((crop - np.array(meta.mean)) / np.array(meta.std)).astype(np.float32).transpose(2, 0, 1)[None]
        answers = []
        for mirrored in sides:
            turned = np.ascontiguousarray(image[..., ::-1] if mirrored else image)
            with torch.no_grad():
                raw = tuple(part.numpy() for part in net(torch.from_numpy(turned)))
            answer = meta.reader.distributions(raw)
            answers.append(meta.reader.mirrored(answer) if mirrored else answer)
        decoded = meta.reader.decode(tuple(np.mean(same, axis=0) for same in zip(*answers, strict=True)))
        places = apply_affine(invert_affine(matrix), decoded.keypoints_px)
        rows.append((places[0], decoded.confidence[0], decoded.spread_px[0] / affine_scale(matrix), decoded.entropy[0]))
    points, confidence, spread, entropy = (np.stack(c).astype(np.float32) for c in zip(*rows, strict=True))
    return Prediction(points, confidence, spread, entropy)


def assert_equal(got: Prediction, expected: Prediction) -> None:
    for name in FIELDS:
        values = getattr(got, name)
        assert values.dtype == np.float32
        np.testing.assert_allclose(values, getattr(expected, name), rtol=1e-4, atol=2e-4, err_msg=name)


@pytest.fixture(scope="module")
def scattered(tmp_path_factory: pytest.TempPathFactory) -> tuple[People, Images]:
    return crowd(tmp_path_factory.mktemp("crowd"), PICTURES)


@pytest.fixture(scope="module", params=METAS)
def network(request: pytest.FixtureRequest) -> tuple[nn.Module, ModelMeta]:
    torch.manual_seed(3)
    meta = METAS[request.param]
    net = meta.build().eval()
    for layer in net.modules():  # a fresh head answers next to nothing: make its peaks stand out
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.normal_(layer.weight, std=0.2)
    return net, meta


@pytest.mark.parametrize("batch", [1, 4, 64])
@pytest.mark.parametrize("flip_test", [False, True])
def test_the_stream_is_the_plain_loop(
    network: tuple[nn.Module, ModelMeta], scattered: tuple[People, Images], batch: int, flip_test: bool
) -> None:
    net, meta = network
    expected = plain_loop(net, meta, *scattered, [False, True] if flip_test else [False])
    assert expected.spread_px.std() > 0
    runner = torch_runner(net)
    for way in (runner, lambda images: runner(images)):  # on the device, and through numpy as any other runner
        assert_equal(predict_people(way, meta, *scattered, batch=batch, flip_test=flip_test), expected)


def test_both_ways_are_the_plain_loop(network: tuple[nn.Module, ModelMeta], scattered: tuple[People, Images]) -> None:
    net, meta = network
    both = predict_both_ways(torch_runner(net), meta, *scattered, batch=5, features=True)
    assert_equal(both.plain, plain_loop(net, meta, *scattered, [False]))
    assert_equal(both.mirrored, plain_loop(net, meta, *scattered, [True]))
    assert both.features.shape == (len(PICTURES), 8)


def test_results_come_in_the_order_of_people(
    network: tuple[nn.Module, ModelMeta], scattered: tuple[People, Images]
) -> None:
    net, meta = network
    people, images = scattered
    order = np.random.default_rng(1).permutation(len(people))
    straight = predict_people(torch_runner(net), meta, people, images, batch=4)
    shuffled = predict_people(torch_runner(net), meta, people.take(order), images, batch=4)
    np.testing.assert_allclose(shuffled.keypoints_px, straight.keypoints_px[order], atol=2e-4)


def test_the_same_rows_twice_are_the_same_bits(
    network: tuple[nn.Module, ModelMeta], scattered: tuple[People, Images]
) -> None:
    net, meta = network
    one, two = (predict_people(torch_runner(net), meta, *scattered, batch=4) for _ in range(2))
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
