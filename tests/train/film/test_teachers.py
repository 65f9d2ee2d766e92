"""A network asked about a film answers as it does about pictures of the same frames."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from dataengine.infer.side_by_side import SideBySide
from dataengine.inference.running.predict import predict_both_ways, torch_runner
from dataengine.judges import answers
from dataengine.judges.turned_views import VIEWS
from dataengine.nets.checkpoint import ModelMeta
from dataengine.people import Images, People
from dataengine.train.film.teachers import NetworkTeacher
from dataengine.train.pseudo.teachers import opinion_of_views

META = ModelMeta("residual-simcc", {"channels": [8, 8], "blocks": [1, 1]}, input_width_px=32, input_height_px=32)


@pytest.mark.parametrize("per_frame", [0, 1, 7])
def test_opinions_are_those_of_the_same_people_in_pictures(tmp_path: Path, per_frame: int) -> None:
    torch.manual_seed(0)
    runner = torch_runner(META.build())
    rng = np.random.default_rng(per_frame)
    frames = [rng.integers(0, 255, (90, 120, 3), dtype=np.uint8) for _ in range(3)]
    boxes = [np.column_stack([rng.uniform(0, 60, (per_frame, 2)), rng.uniform(20, 50, (per_frame, 2))]) for _ in frames]
    teacher = NetworkTeacher("net", runner, META)
    for image, of_frame in zip(frames, boxes, strict=True):
        teacher.look(image, of_frame)
    opinion = teacher.ask()(SideBySide())
    assert len(teacher.ask()(SideBySide()).confidence) == 0, "everybody is answered once"
    for number, image in enumerate(frames):
        cv2.imwrite(str(tmp_path / f"{number}.png"), image)
    images = Images.build(id=[0, 1, 2], path=[str(tmp_path / f"{n}.png") for n in range(3)], width=120, height=90)
    n = 3 * per_frame
    people = People.build(
        image_id=np.repeat([0, 1, 2], per_frame), bbox_xywh_px=np.concatenate(boxes),
        keypoints_px=np.zeros((n, 17, 2)), visibility=np.zeros((n, 17)),
    )  # fmt: skip
    both = predict_both_ways(runner, META, people, images)
    np.testing.assert_allclose(opinion.keypoints_px, both.plain.keypoints_px, atol=0.02)
    np.testing.assert_allclose(opinion.confidence, both.plain.confidence, atol=1e-4)
    apart = np.linalg.norm(both.plain.keypoints_px - both.mirrored.keypoints_px, axis=2)
    np.testing.assert_allclose(opinion.flip_distance_px, apart, atol=0.05)


def test_views_are_those_of_the_same_people_in_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(1)
    runner = torch_runner(META.build())
    monkeypatch.setattr(answers, "load_runner", lambda folder: (runner, META))
    image = np.random.default_rng(0).integers(0, 255, (90, 120, 3), dtype=np.uint8)
    boxes = np.array([[10.0, 5.0, 40.0, 60.0], [60.0, 20.0, 30.0, 50.0]])
    teacher = NetworkTeacher("net", runner, META, VIEWS)
    teacher.look(image, boxes)
    opinion = teacher.ask()(SideBySide())
    cv2.imwrite(str(tmp_path / "0.png"), image)
    images = Images.build(id=[0], path=[str(tmp_path / "0.png")], width=120, height=90)
    nothing = np.zeros((2, 17, 2))
    people = People.build(image_id=[0, 0], bbox_xywh_px=boxes, keypoints_px=nothing, visibility=nothing[..., 0])
    of_pictures = answers.network_answers(tmp_path / "net", people, images)
    expected = opinion_of_views(of_pictures)
    np.testing.assert_allclose(opinion.keypoints_px, expected.keypoints_px, atol=0.02)
    np.testing.assert_allclose(opinion.flip_distance_px, expected.flip_distance_px, atol=0.05)
    steady = replace(of_pictures, mirrored_px=of_pictures.points_px)
    spread = opinion_of_views(steady).flip_distance_px
    assert (spread > 0).all(), "where the mirror image agrees, the other views may not"
