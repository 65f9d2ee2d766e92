"""The file of sigmas, the section that names it, and every figure by them against pycocotools with the same sigmas."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dataengine.errors import InputError, ParamsError
from dataengine.evaluation.analysis.breakdown import break_down
from dataengine.evaluation.analysis.calibration import score_reliability
from dataengine.evaluation.analysis.slices import Slice, slice_matches
from dataengine.evaluation.ap.matching import average_precision, paired
from dataengine.evaluation.ap.oks import coco_ap, joint_ap, person_oks
from dataengine.evaluation.ap.poses import detections_of, truths_of
from dataengine.evaluation.ap.protocol import COCO
from dataengine.evaluation.figures import figures_of
from dataengine.evaluation.own_sigmas import load_protocol, read_sigmas, write_sigmas
from dataengine.keypoints import COCO_KEYPOINTS, COCO_SIGMAS
from dataengine.people import Images, People

from ..helpers.own_sigmas import LACKING, OWN, OWN_PROTOCOL, params_with_own_sigmas
from . import reference, samples


def scene(noise: float = 0.03) -> tuple[People, Images, People]:
    rng = np.random.default_rng(0)
    images = samples.images(30)
    people = samples.truth(images, 2, rng)
    return people, images, samples.detections_of(people, noise, rng)


def by_pycocotools(people: People, images: Images, found: People) -> "reference.COCOeval":
    """With `Params.kpt_oks_sigmas` set to the project's own."""
    truths, image_id = truths_of(people, images)
    records = reference.truth_records(truths, image_id)
    results = reference.result_records(detections_of(found, images, image_id), image_id)
    return reference.evaluator(records, results, image_id, OWN_PROTOCOL)


def test_figures_are_pycocotools_with_the_same_sigmas() -> None:
    people, images, found = scene()
    expected = reference.figures(by_pycocotools(people, images, found))
    got = coco_ap(people, images, found, OWN_PROTOCOL)
    assert got == pytest.approx(expected, abs=1e-9)
    assert average_precision(paired(people, images, found, OWN_PROTOCOL).match()) == pytest.approx(got["AP"])
    assert break_down(paired(people, images, found, OWN_PROTOCOL)).ap == pytest.approx(got["AP"])
    assert coco_ap(people, images, found)["AP"] > got["AP"] + 0.05, "COCO's sigmas are kinder"


def test_a_slice_and_a_single_joint_count_by_them() -> None:
    people, images, found = scene()
    whole = Slice("all=all", np.ones(len(people), dtype=bool), np.ones(len(images), dtype=bool))
    inside = average_precision(slice_matches(paired(people, images, found, OWN_PROTOCOL), images, whole))
    assert inside == pytest.approx(coco_ap(people, images, found, OWN_PROTOCOL)["AP"])
    alone = people.replace(visibility=np.where(np.arange(17) == 9, people.visibility, 0).astype(np.uint8))
    expected = reference.figures(by_pycocotools(alone, images, found))["AP"]
    assert joint_ap(people, images, found, OWN_PROTOCOL)["left_wrist"] == pytest.approx(expected, abs=1e-9)


def test_oks_of_a_person_and_its_calibration_count_by_them() -> None:
    rng = np.random.default_rng(3)
    images = samples.images(20)
    people = samples.truth(images, 1, rng).replace(extras={})
    people = people.take((people.visibility > 0).any(axis=1))
    moved = people.keypoints_px + rng.normal(0, 4, people.keypoints_px.shape).astype(np.float32)
    sure = np.full(len(people), 0.5, dtype=np.float32)
    found = people.replace(keypoints_px=moved, score=sure)
    computed = by_pycocotools(people, images, found)
    expected = np.array([computed.ious[i, 1][0, 0] for i in people.image_id.tolist()])
    ap = figures_of(people, images, found, OWN_PROTOCOL).ap
    assert ap == pytest.approx(reference.figures(computed)["AP"], abs=1e-9)
    assert person_oks(people, moved, OWN_PROTOCOL) == pytest.approx(expected, abs=1e-12)
    counted = np.where(expected >= 0.1, expected, 0.0)  # below that a detection stands for nobody
    pose = score_reliability(paired(people, images, found, OWN_PROTOCOL))
    assert pose.ece == pytest.approx(abs(counted.mean() - 0.5), abs=1e-6)


def test_a_file_comes_back_and_is_named_by_its_sigmas(tmp_path: Path) -> None:
    path = write_sigmas(tmp_path, OWN)
    read = read_sigmas(path)
    assert read == OWN and path.stem == read.protocol.sigmas_name == OWN.name
    other = {name: joint for name, joint in OWN.joints.items() if name != "nose"}
    assert type(OWN)(joints=other, people=1, pictures=1, level=0.5).name != OWN.name
    same = type(OWN)(joints=dict(sorted(OWN.joints.items())), people=1, pictures=1, level=0.5)
    assert same.name == OWN.name, "neither the order nor what is known about them is the sigmas"


def test_a_joint_without_a_sigma_has_cocos_and_a_line_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "params.yaml").write_text(params_with_own_sigmas(tmp_path))
    protocol = load_protocol(tmp_path / "params.yaml")
    lacking = np.isin(COCO_KEYPOINTS, LACKING)
    assert (protocol.sigmas[lacking] == COCO_SIGMAS[lacking]).all()
    assert (protocol.sigmas[~lacking] < 0.9 * COCO_SIGMAS[~lacking]).all()
    assert (protocol.thresholds == COCO.thresholds).all() and protocol.areas == COCO.areas
    told = capsys.readouterr().err
    assert f"OKS by the sigmas of {tmp_path}/{OWN.name}.json; COCO's for left_ear, right_ear, which it lacks" in told


def test_without_a_file_it_is_cocos_protocol(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "params.yaml").write_text('oks: {sigmas: ""}\n')
    assert load_protocol(tmp_path / "params.yaml") is COCO
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"joints": {}}, "sigmas of other joints.*got none"),
        (
            {"joints": {"tail": {"sigma": 0.1, "low": 0.1, "high": 0.1, "pairs": 10}}},
            "sigmas of other joints.*got tail",
        ),
        ({"joints": {"nose": {"sigma": 0.0, "low": 0.1, "high": 0.1, "pairs": 10}}}, "joints.nose.sigma.*above 0"),
        ({"joints": {"nose": {"sigma": "0.1", "low": 0.1, "high": 0.1, "pairs": 10}}}, "joints.nose.sigma.*a number"),
        ({"joints": {"nose": {"sigma": 0.1}}}, "joints.nose lacks a key"),
        ({"joints": [0.1] * 17}, "joints.*a mapping"),
        ({"level": None}, "level.*a number"),
        ({"joints": {"nose": {"sigma": 0.2, "low": 0.1, "high": 0.3, "pairs": 10}}}, "not named by its sigmas"),
    ],
)
def test_what_is_no_file_of_sigmas(tmp_path: Path, change: dict[str, Any], fault: str) -> None:
    path = write_sigmas(tmp_path, OWN)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(InputError, match=fault):
        read_sigmas(path)


def test_a_missing_file_or_section_is_an_error(tmp_path: Path) -> None:
    params = tmp_path / "params.yaml"
    params.write_text("oks: {sigmas: nowhere.json}\n")
    with pytest.raises(InputError, match=r"nowhere\.json does not exist"):
        load_protocol(params)
    params.write_text("fit: {}\n")
    with pytest.raises(ParamsError, match="no section 'oks'"):
        load_protocol(params)
