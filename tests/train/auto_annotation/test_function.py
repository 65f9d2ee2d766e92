"""The function inside CVAT, under the checks of cvat-sdk's own driver; only the server is left out."""

import logging
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from dataengine.coco_json import read_people
from dataengine.formats.tools.cvat_labels import label_definitions
from dataengine.inference.exported import load_exported
from dataengine.inference.running.predict import predict_people
from dataengine.inference.shipped.runners import runner_for
from dataengine.keypoints import COCO_KEYPOINTS
from dataengine.people import Images, People
from dataengine.train.auto_annotation import function as function_module
from dataengine.train.auto_annotation.function import PoseFunction

NEEDED = "cvat-sdk is not installed: pip install -c constraints.txt -e '.[annotate]'"


@pytest.fixture
def labelled(round_folder: Path) -> tuple[People, Images]:
    return read_people(round_folder / "test.json", root=round_folder)


@pytest.fixture
def pose(exported: dict[str, Path], labelled: tuple[People, Images], monkeypatch: pytest.MonkeyPatch) -> PoseFunction:
    """Finds the labelled people, whose picture it knows by its pixels; the joints come from the network."""
    people, images = labelled
    boxes = {
        np.asarray(Image.open(path).convert("RGB")).tobytes(): people.bbox_xywh_px[people.image_id == key]
        for path, key in zip(images.path, images.id, strict=True)
    }

    def known(_: object, image_bgr: NDArray[np.uint8]) -> NDArray[np.float32]:
        return boxes.get(image_bgr[..., ::-1].tobytes(), np.zeros((0, 4), np.float32))

    monkeypatch.setattr(function_module, "people_in_picture", known)
    model = load_exported(exported["good"])
    return PoseFunction(model, runner_for("onnx-cpu", [model], 1), detector=None)  # type: ignore[arg-type]


@dataclass
class Server:
    """A task of three pictures, and what was uploaded to it; ids of labels are other numbers than the function's."""

    pictures: list[Image.Image]
    joints: tuple[str, ...] = COCO_KEYPOINTS
    uploaded: list[Any] = field(default_factory=list)

    @property
    def labels(self) -> list[Any]:
        from cvat_sdk import models

        joints = [
            models.Sublabel(name=name, id=100 - n, type="points", attributes=[]) for n, name in enumerate(self.joints)
        ]
        return [
            models.Label(name="nobody", id=1, type="tag", attributes=[], sublabels=[]),
            models.Label(name="person", id=7, type="skeleton", attributes=[], sublabels=joints),
        ]

    @property
    def samples(self) -> list[Any]:
        return [
            SimpleNamespace(frame_name=f"{n}.png", frame_index=n, media=SimpleNamespace(load_image=lambda p=picture: p))
            for n, picture in enumerate(self.pictures)
        ]

    def annotate(self, function: PoseFunction, monkeypatch: pytest.MonkeyPatch, **options: Any) -> list[Any]:
        """The shapes that cvat-sdk's driver checks and uploads."""
        from cvat_sdk.auto_annotation import annotate_task, driver

        monkeypatch.setattr(driver, "TaskDataset", lambda *_, **__: self)
        upload = SimpleNamespace(
            update_annotations=lambda _, labeled_data_request: self.uploaded.append(labeled_data_request)
        )
        client = SimpleNamespace(logger=logging.getLogger("cvat"), tasks=SimpleNamespace(api=upload))
        annotate_task(client, 12, function, clear_existing=True, **options)  # type: ignore[arg-type]
        return list(self.uploaded[-1].shapes)


@pytest.fixture
def server(labelled: tuple[People, Images]) -> Server:
    pytest.importorskip("cvat_sdk", reason=NEEDED)
    return Server([*(Image.open(path) for path in labelled[1].path[:2]), Image.new("RGB", (90, 60))])


def test_joints_are_those_that_the_gate_judges(pose: PoseFunction, labelled: tuple[People, Images]) -> None:
    people, images = labelled[0].take(np.arange(1)), labelled[1].take(np.arange(1))
    expected = predict_people(pose.chosen.runners[0], pose.model.meta, people, images).as_people(people)
    found = pose.people(np.ascontiguousarray(np.asarray(Image.open(images.path[0]).convert("RGB"))[..., ::-1]))
    np.testing.assert_allclose(found.keypoints_px, expected.keypoints_px, atol=1e-3)
    np.testing.assert_allclose(found.score, expected.score, atol=1e-5)


def test_the_sdks_driver_takes_the_answers(
    pose: PoseFunction, server: Server, labelled: tuple[People, Images], monkeypatch: pytest.MonkeyPatch
) -> None:
    shapes = server.annotate(pose, monkeypatch)
    assert [shape.frame for shape in shapes] == [0, 1], "nobody is in the third picture"
    assert {(shape.label_id, shape.type.value, shape.source) for shape in shapes} == {(7, "skeleton", "auto")}
    people, images = labelled[0].take(np.arange(2)), labelled[1].take(np.arange(2))
    expected = predict_people(pose.chosen.runners[0], pose.model.meta, people, images).keypoints_px + 0.5
    for shape, joints in zip(shapes, expected, strict=True):
        assert [element.label_id for element in shape.elements] == [100 - n for n in range(17)]
        places = np.array([element.points for element in shape.elements])
        inside = np.array([not element.outside for element in shape.elements])
        assert inside.any()
        np.testing.assert_allclose(places[inside], joints[inside], atol=1e-3)


def test_people_below_cvats_threshold_are_left_out(
    pose: PoseFunction, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = sorted(shape.score for shape in server.annotate(pose, monkeypatch))
    assert len(server.annotate(pose, monkeypatch, conf_threshold=(scores[0] + scores[1]) / 2)) == 1


def test_a_project_with_other_joints_is_refused_by_the_driver(
    pose: PoseFunction, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cvat_sdk.auto_annotation import BadFunctionError

    server.joints = COCO_KEYPOINTS[:-1]
    with pytest.raises(BadFunctionError, match="right_ankle"):
        server.annotate(pose, monkeypatch)


def test_the_label_is_that_of_the_projects_that_label_export_sets_up(pose: PoseFunction) -> None:
    pytest.importorskip("cvat_sdk", reason=NEEDED)
    person = next(label for label in label_definitions() if label["type"] == "skeleton")
    (label,) = pose.spec.labels
    assert label.name == person["name"]
    assert [each.name for each in label.sublabels] == [each["name"] for each in person["sublabels"]]
