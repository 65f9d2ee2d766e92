from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from dataengine.crops.pixels import crop_people, normalise
from dataengine.errors import EnvironmentFault, InputError
from dataengine.inference.running.predict import (
    onnx_runner,
    predict_both_ways,
    predict_crops,
    predict_people,
    torch_runner,
)
from dataengine.keypoints import FLIP_INDEX
from dataengine.nets.checkpoint import ModelMeta
from dataengine.people import Images, People

META = ModelMeta("residual-simcc", {"channels": [8, 8], "blocks": [1, 1]}, input_width_px=64, input_height_px=64)
LEFT = np.array([5, 7, 9, 11, 13, 15])


@pytest.fixture
def bright_pair(tmp_path: Path) -> tuple[People, Images]:
    """Two images with two bright dots each: a person's right on the image's left, the left on its right."""
    rng = np.random.default_rng(0)
    points = np.zeros((2, 17, 2))
    paths = []
    for row in range(2):
        image = np.zeros((300, 400, 3), dtype=np.uint8)
        for joints, x in ((FLIP_INDEX[LEFT], 150), (LEFT, 250)):
            place = np.array([x, 150]) + rng.integers(-15, 15, 2)
            points[row, joints] = place
            cv2.circle(image, (int(place[0]), int(place[1])), 6, (255, 255, 255), -1)
        paths.append(str(tmp_path / f"{row}.png"))
        cv2.imwrite(paths[-1], image)
    visibility = np.isin(np.arange(17), [*LEFT, *FLIP_INDEX[LEFT]]) * 2
    people = People.build(
        image_id=[4, 9],
        bbox_xywh_px=[[100, 50, 200, 200]] * 2,
        keypoints_px=points,
        visibility=np.stack([visibility] * 2),
    )
    return people, Images.build(id=[9, 4], path=paths[::-1], width=400, height=300)


def dot_finder(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A network made by hand: a person's left joints are the dot on the right half of the image."""
    x, y = np.zeros((len(images), 17, 128), np.float32), np.zeros((len(images), 17, 128), np.float32)
    light = images.mean(axis=1) - images.min()
    for joints, columns in ((LEFT, slice(32, 64)), (FLIP_INDEX[LEFT], slice(0, 32))):
        half = np.zeros_like(light)
        half[:, :, columns] = light[:, :, columns]
        x[:, joints] = np.repeat(half.max(axis=1), 2, axis=1)[:, None] * 8
        y[:, joints] = np.repeat(half.max(axis=2), 2, axis=1)[:, None] * 8
    return x, y


@pytest.mark.parametrize("flip_test", [False, True])
def test_joints_are_found_in_image_pixels(bright_pair: tuple[People, Images], flip_test: bool) -> None:
    people, images = bright_pair
    prediction = predict_people(dot_finder, META, people, images, batch=1, flip_test=flip_test)
    labelled = people.visibility > 0
    error = np.linalg.norm(prediction.keypoints_px - people.keypoints_px, axis=2)
    assert error[labelled].max() < 4  # a crop pixel is 3.9 image pixels here
    assert prediction.confidence[labelled].min() > prediction.confidence[~labelled].max()


def test_the_mirrored_answer_is_that_of_an_unbiased_network(bright_pair: tuple[People, Images]) -> None:
    people, images = bright_pair
    crops, matrices = crop_people(people, images, META.crop)
    plain = predict_crops(dot_finder, META, crops, matrices)
    mirrored = predict_crops(dot_finder, META, crops, matrices, mirrored=True)
    labelled = people.visibility > 0
    np.testing.assert_allclose(mirrored.keypoints_px[labelled], plain.keypoints_px[labelled], atol=0.01)


def test_spread_is_in_image_pixels(bright_pair: tuple[People, Images]) -> None:
    people, images = bright_pair

    def flat(batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros((len(batch), 17, 128), np.float32), np.zeros((len(batch), 17, 128), np.float32)

    prediction = predict_people(flat, META, people, images)
    axis = np.sqrt((128**2 - 1) / 12) / 2  # a uniform distribution over 128 bins of half a crop pixel
    np.testing.assert_allclose(prediction.spread_px, np.sqrt(2) * axis * 250 / 64, rtol=1e-5)
    np.testing.assert_allclose(prediction.entropy, 1, rtol=1e-6)


def test_detections_carry_joints_and_scores(bright_pair: tuple[People, Images]) -> None:
    people, images = bright_pair
    prediction = predict_people(dot_finder, META, people, images)
    detections = prediction.as_people(people)
    assert (detections.visibility == 2).all()
    np.testing.assert_allclose(detections.score, prediction.confidence.mean(axis=1))
    np.testing.assert_array_equal(detections.image_id, people.image_id)


def test_nobody_gives_no_rows(bright_pair: tuple[People, Images]) -> None:
    people, images = bright_pair
    nobody = people.take([])
    assert predict_people(dot_finder, META, nobody, images).keypoints_px.shape == (0, 17, 2)


def test_both_ways_are_the_two_answers_one_by_one(bright_pair: tuple[People, Images]) -> None:
    people, images = bright_pair
    crops, matrices = crop_people(people, images, META.crop)
    both = predict_both_ways(dot_finder, META, people, images, batch=1)
    for got, mirrored in ((both.plain, False), (both.mirrored, True)):
        alone = predict_crops(dot_finder, META, crops, matrices, mirrored=mirrored)
        np.testing.assert_array_equal(got.keypoints_px, alone.keypoints_px)
    assert both.features.shape == (0, 0)


def test_features_do_not_depend_on_the_batch(bright_pair: tuple[People, Images]) -> None:
    torch.manual_seed(0)
    runner = torch_runner(META.build())
    one, two = (predict_both_ways(runner, META, *bright_pair, features=True, batch=size).features for size in (1, 2))
    assert one.shape == (2, 8)
    np.testing.assert_allclose(one, two, atol=1e-5)


def test_features_are_those_of_the_plain_crops(bright_pair: tuple[People, Images]) -> None:
    torch.manual_seed(0)
    net = META.build().eval()
    got = predict_both_ways(torch_runner(net), META, *bright_pair, features=True).features
    crops, _ = crop_people(*bright_pair, META.crop)
    with torch.no_grad():
        maps = net.features(torch.from_numpy(normalise(crops, META.mean, META.std)))
    np.testing.assert_allclose(got, maps.mean(dim=(2, 3)).numpy(), atol=1e-5)


def test_a_runner_without_embeddings_says_so(bright_pair: tuple[People, Images]) -> None:
    with pytest.raises(EnvironmentFault, match="gives no embeddings"):
        predict_both_ways(dot_finder, META, *bright_pair, features=True)


def test_torch_runner_gives_numpy_of_the_expected_shape() -> None:
    x, y = torch_runner(META.build())(np.zeros((3, 3, 64, 64), dtype=np.float32))
    assert x.shape == y.shape == (3, 17, 128)
    assert x.dtype == np.float32


def test_a_missing_export_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing\.onnx does not exist"):
        onnx_runner(tmp_path / "nothing.onnx")
