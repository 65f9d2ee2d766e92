"""What a shadow's folder asks for, as `dataengine serve --shadow` writes it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dataengine.active.asking.request_params import RequestParams
from dataengine.active.asking.shadow import needs_of_shadow, read_doubted_people
from dataengine.errors import InputError
from dataengine.pictures.reading.decoding import read_picture
from dataengine.poses.training_poses import TrainingPoses
from dataengine.requests.record import ORIGIN
from dataengine.serving.asked.crops import asked_crops
from dataengine.serving.asked.metrics import ServingMetrics
from dataengine.serving.asked.served_model import served_model
from dataengine.serving.messages.pose_pb2 import Box, PoseRequest
from dataengine.serving.shadow.folder import DISAGREEMENTS, ShadowAnswer, append_disagreement, read_disagreements
from dataengine.serving.shadow.opening import shadow_of
from dataengine.serving.shadow.params import ShadowParams

from ...formats.test_shadow import kept
from ...helpers.pose_samples import FIGURES
from ...serving.made import BOXES, LIMITS, export_of, png

PARAMS = RequestParams(examples=3)


def test_what_the_service_writes_is_what_a_request_reads(tmp_path: Path, poses: TrainingPoses) -> None:
    champion = served_model(export_of(tmp_path / "champion", 0), "cpu", threads=1)
    folder, all_differ = tmp_path / "shadow", ShadowParams(differ_below=1.0, least_confidence=0.0)
    with shadow_of(export_of(tmp_path / "candidate", 1), champion, folder, all_differ, ServingMetrics()) as shadow:
        assert shadow is not None
        for seed in range(2):
            boxes = [Box(x=x, y=y, width=w, height=h) for x, y, w, h in BOXES]
            asked = asked_crops(PoseRequest(picture=png(seed), boxes=boxes), champion.open.meta.crop, **LIMITS)
            shadow.offer("r", asked, champion.predict(asked.crops_bgr, asked.matrices))
        assert shadow.wait_until_idle(60)
    written = read_disagreements(folder)
    found = read_doubted_people(folder)
    assert len(found.people) == len(written) == 4
    assert found.oks.tolist() == [record.oks for record in written]
    assert found.people.extras["sha256"].tolist() == [record.picture_sha256 for record in written]
    assert set(found.people.extras[ORIGIN].tolist()) == {"shadow"}
    for row, record in enumerate(written):
        size = read_picture(folder / record.picture).shape[1::-1]
        assert (found.images.width[row], found.images.height[row]) == size
        sure = np.array(record.champion.confidence) >= 0.3
        np.testing.assert_array_equal(found.people.visibility[row] > 0, sure)
        places = np.array(record.champion.keypoints_px)
        np.testing.assert_allclose(found.people.keypoints_px[row][sure], places[sure], rtol=1e-5)
    needs = [*needs_of_shadow(found, poses, replace(PARAMS, shadow_oks=1.0))]
    assert sum(need.evidence["people"] for need in needs) == 4


def doubted(folder: Path, seed: int, figure: int, oks: float) -> None:
    """A person in the shadow's folder, in the pose of a figure."""
    places = tuple((float(x), float(y)) for x, y in FIGURES[figure] * 60 + 20)
    answer = ShadowAnswer("0123456789ab", places, (1.0,) * 17, 0.9)
    record = kept(folder, seed)
    content = (folder / record.picture).read_bytes()
    lines = (folder / DISAGREEMENTS).read_bytes().splitlines(keepends=True)[:-1]
    (folder / DISAGREEMENTS).write_bytes(b"".join(lines))
    changed = replace(record, champion=answer, oks=oks, reason="sides exchanged")
    append_disagreement(folder, changed, content)


def test_a_shadow_asks_by_cluster_the_worst_first(
    tmp_path: Path, poses: TrainingPoses, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed, (figure, oks) in enumerate(((0, 0.1), (2, 0.3), (2, 0.2), (2, 0.9), (2, 0.0))):
        doubted(tmp_path, seed, figure, oks)
    (tmp_path / read_disagreements(tmp_path)[-1].picture).write_bytes(b"\xff\xd8\xff")
    found = read_doubted_people(tmp_path)
    assert "1 people of" in capsys.readouterr().err and found.oks.tolist() == [0.1, 0.3, 0.2, 0.9]
    needs = {need.part: need for need in needs_of_shadow(found, poses, PARAMS)}
    assert set(needs) == {"cluster=0", "cluster=2"}
    lost = needs["cluster=2"]
    assert lost.weight == pytest.approx((1 - 0.25) * 2 / 3) and "sides exchanged" in lost.reason
    assert lost.examples is not None and len(lost.examples[0]) == 2
    assert [*needs_of_shadow(found, poses, replace(PARAMS, shadow_oks=0.05))] == []


def test_a_folder_without_people_asks_for_nothing(tmp_path: Path, poses: TrainingPoses) -> None:
    (tmp_path / DISAGREEMENTS).touch()
    assert [*needs_of_shadow(read_doubted_people(tmp_path), poses, PARAMS)] == []
    with pytest.raises(InputError, match="expected the folder that `dataengine serve --shadow` wrote"):
        read_doubted_people(tmp_path / "none")


@pytest.mark.parametrize(
    "changes",
    [
        {"oks": 1.5}, {"oks": float("nan")}, {"oks": None}, {"box_xywh_px": [1, 2, 3]}, {"box_xywh_px": [1, 2, -3, 4]},
        {"champion": {"model": "a", "keypoints_px": [[1, 2]], "confidence": [1.0], "score": 1.0}},
        {"champion": {"model": "a", "keypoints_px": [[1e300, 2]] * 17, "confidence": [1.0] * 17, "score": 1.0}},
        {"candidate": "none"}, {"picture": "../../etc/passwd"}, {"perceptual_hash": "none"}, {"extra": 1},
        {"picture_sha256": "a" * 10, "picture": f"pictures/{'a' * 10}.jpg"},
    ],
)  # fmt: skip
def test_a_damaged_line_is_named(tmp_path: Path, changes: dict[str, object]) -> None:
    kept(tmp_path, 0)
    record = json.loads((tmp_path / DISAGREEMENTS).read_bytes())
    (tmp_path / DISAGREEMENTS).write_text(json.dumps({**record, **changes}) + "\n")
    with pytest.raises(InputError, match=r"disagreements\.jsonl line 1"):
        read_disagreements(tmp_path)


def test_brackets_without_end_are_a_damaged_line(tmp_path: Path) -> None:
    (tmp_path / DISAGREEMENTS).write_text("[" * 100_000 + "\n")
    with pytest.raises(InputError, match=r"line 1 is not JSON"):
        read_disagreements(tmp_path)


def test_an_answer_that_is_no_number_leaves_no_picture(tmp_path: Path) -> None:
    record = kept(tmp_path, 0)
    content = (tmp_path / record.picture).read_bytes()
    (tmp_path / record.picture).unlink()
    with pytest.raises(ValueError, match="not JSON compliant"):
        append_disagreement(tmp_path, replace(record, oks=float("nan")), content)
    assert not (tmp_path / record.picture).exists() and len(read_disagreements(tmp_path)) == 1
