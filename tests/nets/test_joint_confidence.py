import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dataengine.errors import InputError
from dataengine.keypoints import COCO_KEYPOINTS
from dataengine.nets.checkpoint import META_NAME, ModelMeta, load_checkpoint, save_checkpoint
from dataengine.nets.joint_confidence import ConfidenceCurve, JointCurves
from dataengine.nets.layout import Decoded

CURVES = JointCurves(
    ConfidenceCurve((0.0, 0.5, 1.0), (0.1, 0.2, 0.9)), {"left_knee": ConfidenceCurve((0.0, 1.0), (0.0, 0.5))}
)
META = ModelMeta("residual", {"channels": [8, 8], "blocks": [1, 1]}, 32, 48, joint_confidence=CURVES)


def test_a_joint_is_read_off_its_own_curve_or_the_pooled_one() -> None:
    stated = np.full((2, 17), 0.75, dtype=np.float32)
    read = CURVES.of(stated, COCO_KEYPOINTS)
    knee = COCO_KEYPOINTS.index("left_knee")
    assert read.shape == (2, 17) and read.dtype == np.float32
    assert read[0, knee] == pytest.approx(0.375)
    assert np.delete(read, knee, axis=1) == pytest.approx(0.55)


def test_what_is_calibrated_is_not_read_off_again() -> None:
    sure = np.full((1, 17), 0.5)
    decoded = Decoded(np.zeros((1, 17, 2)), sure, sure, sure)
    assert META.calibrated(decoded)[0, 0] == pytest.approx(0.2)
    assert META.calibrated(replace(decoded, is_calibrated=True))[0, 0] == 0.5
    assert replace(META, joint_confidence=None).calibrated(decoded)[0, 0] == 0.5


def test_curves_live_in_the_checkpoint_and_earlier_ones_have_none(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, META.build(), META)
    assert load_checkpoint(tmp_path)[1].joint_confidence == CURVES
    record = json.loads((tmp_path / META_NAME).read_text())
    del record["joint_confidence"]
    (tmp_path / META_NAME).write_text(json.dumps(record))
    assert load_checkpoint(tmp_path)[1].joint_confidence is None


@pytest.mark.parametrize(
    ("stated", "found"),
    [
        ((), ()),
        ((0.0, 1.0), (0.5,)),
        ((0.0, 1.0), (0.5, 0.5)),
        ((0.5, 0.5), (0.1, 0.2)),
        ((0.0, 1.5), (0.1, 0.2)),
        ((0.0, float("nan")), (0.1, 0.2)),
    ],
)
def test_a_curve_that_does_not_rise_is_refused(stated: tuple[float, ...], found: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match="confidence curve"):
        ConfidenceCurve(stated, found)
