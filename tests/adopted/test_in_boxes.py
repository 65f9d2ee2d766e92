"""Adopted networks on people: joints in picture pixels, from lists of detections, and through the stages."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from dataengine.adopted.contract import NORMALISATIONS, AnswerForm, Contract, Feed
from dataengine.adopted.feeding import as_input, frame_matrix
from dataengine.adopted.folder import AdoptedNetwork, load_adopted, meta_of, write_adopted
from dataengine.adopted.in_boxes import ShownInput, joints_of
from dataengine.adopted.opening import open_network
from dataengine.adopted.runner import AdoptedRunner, load_adopted_runner
from dataengine.crops.spec import apply_affine
from dataengine.errors import EnvironmentFault, InputError
from dataengine.files import read_json, write_json
from dataengine.inference.exported import ONNX_FP32, SIDECAR, load_exported
from dataengine.inference.running.predict import predict_both_ways, predict_people
from dataengine.keypoints import COCO_KEYPOINTS
from dataengine.people import JOINT_CONFIDENCE, Images, People

from ..helpers.dots.dot_networks import adopted_dot_network, dot_network
from ..helpers.dots.dotted_people import draw_dotted_people

CROP_PIXEL = 2.0  # in pictures of these people
ORDER = tuple(range(17))
POINTS = Contract(Feed(96, 128), AnswerForm("points", 17, "out", per_joint=3), ORDER)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[People, Images]:
    return draw_dotted_people(tmp_path_factory.mktemp("drawn"), 4)


def test_input_numbers_are_those_of_the_formula() -> None:
    crops = np.random.default_rng(0).integers(0, 256, (2, 4, 6, 3), dtype=np.uint8)
    blob = cv2.dnn.blobFromImages(list(crops), 1 / 255, swapRB=True)
    np.testing.assert_allclose(as_input(crops, Feed(6, 4, normalisation="unit")), blob, atol=1e-6)
    mean, divisor = NORMALISATIONS["imagenet"]
    expected = (crops.astype(float) - mean[::-1]) / divisor[::-1]
    feed = Feed(6, 4, "NHWC", channels="BGR")
    np.testing.assert_allclose(as_input(crops, feed), expected, atol=1e-5)
    whole = as_input(crops, Feed(6, 4, "NHWC", "uint8", normalisation="bytes"))
    assert whole.dtype == np.uint8 and (whole == crops[..., ::-1]).all()


def test_frames_put_the_corners_where_they_belong() -> None:
    picture = np.array([[0.0, 0.0, 200.0, 100.0]])
    corners = np.array([[-0.5, -0.5], [199.5, 99.5]])
    expected = {
        "image": [[-0.5, 24.5], [99.5, 74.5]],
        "image at the top left": [[-0.5, -0.5], [99.5, 49.5]],
        "stretched image": [[-0.5, -0.5], [99.5, 99.5]],
    }
    for frame, places in expected.items():
        matrix = frame_matrix(Feed(100, 100, frame=frame, padding=1.0), picture)[0]  # type: ignore[arg-type]
        np.testing.assert_allclose(apply_affine(matrix, corners), places)
    box = frame_matrix(Feed(100, 100, frame="stretched box", padding=2.0), picture)[0]
    np.testing.assert_allclose(apply_affine(box, corners), [[24.5, 24.5], [74.5, 74.5]])


def test_people_in_boxes_have_joints_where_the_dots_are(drawn: tuple[People, Images], tmp_path: Path) -> None:
    people, images = drawn
    found = load_adopted(adopted_dot_network(tmp_path / "net")).people_in_boxes(people, images)
    np.testing.assert_allclose(found.keypoints_px, people.keypoints_px, atol=CROP_PIXEL)
    assert (found.visibility == 2).all()
    np.testing.assert_allclose(found.extras[JOINT_CONFIDENCE], 0.8, atol=1e-6)
    np.testing.assert_allclose(found.score, 0.8, atol=1e-6)


def test_a_joint_that_the_network_lacks_is_not_made_up(drawn: tuple[People, Images], tmp_path: Path) -> None:
    people, images = drawn
    order = (-1, *range(16))
    contract = Contract(POINTS.feed, replace(POINTS.answers, joints=16), order)
    network = open_network(dot_network(tmp_path / "net.onnx", contract))
    found = AdoptedNetwork(network, contract).people_in_boxes(people, images)
    np.testing.assert_allclose(found.keypoints_px[:, 1:], people.keypoints_px[:, 1:], atol=CROP_PIXEL)
    assert (found.extras[JOINT_CONFIDENCE][:, 0] == 0).all()
    assert meta_of(contract).taught == COCO_KEYPOINTS[1:]


def test_each_box_gets_a_detection_of_its_own() -> None:
    """Two overlapping people, a duplicate of the first with a lower score, and one nobody asked for."""
    pose = np.random.default_rng(1).uniform(0, 1, (17, 2))
    pose[0], pose[1] = 0, 1
    places = np.stack([pose * 80, pose * 80 + 1, pose * 80 + 40, pose * 10 + 300])
    score = np.array([0.9, 0.6, 0.5, 0.99])
    table = np.concatenate([np.zeros((4, 4)), score[:, None], places.reshape(4, 34)], axis=1)[None]
    answers = AnswerForm("detections", 17, "t", layout="channels last", first=5, score=4)
    feed = Feed(400, 400, frame="image", padding=1.0)
    seen = ShownInput(np.arange(3), np.array([[1.0, 0, 0], [0, 1, 0]]), {"t": table})
    boxes = np.array([[38.0, 38, 86, 86], [-2, -2, 84, 84], [200, 0, 20, 20]])
    found = joints_of(seen, answers, feed, boxes)
    np.testing.assert_allclose(found.keypoints_px[0], places[2])
    np.testing.assert_allclose(found.keypoints_px[1], places[0])
    np.testing.assert_allclose(found.score, [0.5, 0.9, 0.0])
    np.testing.assert_allclose(found.keypoints_px[2], np.tile([209.5, 9.5], (17, 1)))


def test_the_stages_run_it_as_any_runner(drawn: tuple[People, Images], tmp_path: Path) -> None:
    people, images = drawn
    folder = adopted_dot_network(tmp_path / "net")
    runner, meta = load_adopted_runner(folder)
    plain = predict_people(runner, meta, people, images)
    same = load_adopted(folder).people_in_boxes(people, images)
    np.testing.assert_allclose(plain.keypoints_px, same.keypoints_px, atol=1e-3)
    both = predict_both_ways(runner, meta, people, images)
    assert isinstance(runner, AdoptedRunner)
    # colours do not turn with the picture: the mirrored left wrist is read as the right one
    exchanged = both.mirrored.keypoints_px[:, [0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15]]
    np.testing.assert_allclose(exchanged, people.keypoints_px, atol=CROP_PIXEL)
    tensors = runner(np.zeros((2, 3, 128, 96), dtype=np.float32))
    assert tensors[0].shape == (2, 1, 17, 3)
    with pytest.raises(EnvironmentFault, match="no embeddings"):
        predict_both_ways(runner, meta, people, images, features=True)


def test_a_folder_that_was_changed_is_refused(tmp_path: Path) -> None:
    folder = adopted_dot_network(tmp_path / "net")
    record = read_json(folder / SIDECAR)
    for change, match in (
        ({"contract": {**record["contract"], "order": [0] * 17}}, "joint order is malformed"),
        ({"contract": {**record["contract"], "feed": {**record["contract"]["feed"], "width_px": 0}}}, "out of range"),
        ({"contract": {"feed": 3}}, "contract"),
    ):
        write_json(folder / SIDECAR, {**record, **change})
        with pytest.raises(InputError, match=match):
            load_adopted(folder)
    write_json(folder / SIDECAR, {key: value for key, value in record.items() if key != "contract"})
    with pytest.raises(InputError, match="is not an adopted network"):
        load_adopted(folder)
    write_json(folder / SIDECAR, record)
    (folder / ONNX_FP32).write_bytes((folder / ONNX_FP32).read_bytes() + b"\0")
    with pytest.raises(InputError, match="is not the file"):
        load_adopted(folder)


def test_a_contract_survives_its_sidecar_and_others_are_not_run_on_crops(tmp_path: Path) -> None:
    whole = Contract(
        Feed(64, 64, frame="image", padding=1.0),
        AnswerForm("detections", 17, "out", per_joint=3, first=5, score=4),
        ORDER,
    )
    write_adopted(tmp_path / "net", dot_network(tmp_path / "net.onnx", whole), whole, {})
    assert load_adopted(tmp_path / "net").contract == whole
    assert load_exported(tmp_path / "net").meta.network == "adopted"
    with pytest.raises(InputError, match="cannot be run on crops"):
        load_adopted_runner(tmp_path / "net")
