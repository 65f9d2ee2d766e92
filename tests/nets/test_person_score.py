import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dataengine.errors import InputError
from dataengine.keypoints import COCO_KEYPOINTS
from dataengine.nets.checkpoint import META_NAME, ModelMeta, load_checkpoint, save_checkpoint
from dataengine.nets.person_score import ExpectedOks, PersonScore

LIMBS = np.arange(17) >= 5
BOXES = np.array([[0, 0, 30, 120], [5, 5, 60, 60.0]])


def answers(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.uniform(0, 1, (2, 17)), rng.uniform(1, 9, (2, 17)), rng.uniform(0, 1, (2, 17))


def test_without_weights_it_is_the_mean_of_the_taught_joints() -> None:
    """What the network says of a face that nobody showed it moves nothing."""
    confidence, spread, entropy = answers()
    score = PersonScore(LIMBS).of(confidence, spread, entropy, BOXES)
    assert score == pytest.approx(confidence[:, 5:].mean(axis=1))
    confidence[:, :5] = 0
    assert np.array_equal(PersonScore(LIMBS).of(confidence, spread, entropy, BOXES), score)
    assert PersonScore(~(LIMBS | ~LIMBS)).of(confidence, spread, entropy, BOXES) == pytest.approx(
        confidence.mean(axis=1)
    ), "where nothing was taught all joints count"


def test_the_expected_oks_is_a_logistic_function_of_three_means() -> None:
    confidence, spread, entropy = answers(1)
    weights = ExpectedOks(confidence=2.0, log_spread=-0.7, entropy=-1.1, bias=0.3)
    got = PersonScore(LIMBS, weights).of(confidence, spread, entropy, BOXES)
    for row in range(2):
        size = np.sqrt(BOXES[row, 2] * BOXES[row, 3])
        z = 0.3 + 2.0 * confidence[row, 5:].mean() - 1.1 * entropy[row, 5:].mean()
        z -= 0.7 * np.mean([np.log(s / size + 1e-3) for s in spread[row, 5:]])
        assert got[row] == pytest.approx(1 / (1 + np.exp(-z)), rel=1e-6)


def test_the_score_does_not_depend_on_the_pictures_resolution() -> None:
    confidence, spread, entropy = answers(2)
    score = PersonScore(LIMBS, ExpectedOks(1, -1, -1, 0))
    twice = score.of(confidence, 2 * spread, entropy, 2 * BOXES)
    assert twice == pytest.approx(score.of(confidence, spread, entropy, BOXES))


def test_a_checkpoint_keeps_taught_joints_and_score(tmp_path: Path) -> None:
    meta = ModelMeta(
        "residual",
        {"channels": [8, 8], "blocks": [1, 1]},
        input_width_px=32,
        input_height_px=32,
        taught=COCO_KEYPOINTS[5:],
        score=ExpectedOks(1.5, -0.5, -2.0, 0.25),
    )
    save_checkpoint(tmp_path, meta.build(), meta)
    back = load_checkpoint(tmp_path)[1]
    assert back == meta
    assert np.array_equal(back.is_taught, LIMBS)
    assert back.person_score.weights == meta.score


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("taught", ["left_antenna"]),
        ("score", {"confidence": 1.0}),
        ("score", [1.0, 2.0, 3.0, 4.0]),
        ("score", {"confidence": 1.0, "log_spread": "low", "entropy": 0.0, "bias": 0.0}),
    ],
)
def test_senseless_metadata_are_refused(tmp_path: Path, key: str, value: Any) -> None:
    meta = ModelMeta("residual", {"channels": [8, 8], "blocks": [1, 1]}, input_width_px=32, input_height_px=32)
    save_checkpoint(tmp_path, meta.build(), meta)
    record = json.loads((tmp_path / META_NAME).read_text())
    (tmp_path / META_NAME).write_text(json.dumps(record | {key: value}))
    with pytest.raises(InputError):
        load_checkpoint(tmp_path)
