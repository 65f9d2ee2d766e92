"""A network asked about a film answers as it does about pictures of the same frames."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from dataengine.inference.running.predict import predict_both_ways, torch_runner
from dataengine.nets.checkpoint import ModelMeta
from dataengine.people import Images, People
from dataengine.train.film.teachers import NetworkTeacher

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
    opinion = teacher.opinion()
    assert len(teacher.opinion().confidence) == 0, "everybody is answered once"
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
