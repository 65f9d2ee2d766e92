"""A test set that is one recording by several cameras: what the gate takes for evidence there, and what it says."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dataengine.coco_json import read_people, write_people
from dataengine.inference.exported import load_exported
from dataengine.train.gate.comparison import read_verdict
from dataengine.train.gate.policy import CompareParams, Guards

from .gate_round import PARAMS, Gate

POLICY = replace(PARAMS, floor_ap=0.0, guarded=Guards([], 0.2, 0.95, 5))
CAMERAS = 4


@pytest.fixture
def recording(gate: Gate, round_folder: Path) -> Gate:
    """The 40 pictures as those of four cameras at ten moments of one hall."""
    people, images = read_people(gate.test, root=round_folder)
    rows = np.arange(len(images))
    video = [f"cam{row % CAMERAS}.mp4" for row in rows]
    path = round_folder / "recording.json"
    write_people(path, people, images.replace(group="hall", video=video, frame=rows // CAMERAS))
    return Gate(gate.root, path)


def test_one_recording_is_no_evidence_about_others_not_even_for_the_floor(
    recording: Gate, exported: dict[str, Path]
) -> None:
    verdict = recording.compare(exported["good"], POLICY)
    assert verdict["verdict"] == "not-enough-evidence"
    assert "The test set has 1 independent group of pictures and this policy needs 8 or more" in verdict["reason"]
    assert "All of the test set was taken together" in verdict["warnings"][0]
    assert verdict["test"]["clusters"] == 1
    assert 0 <= verdict["AP"]["low"] < verdict["AP"]["value"] < verdict["AP"]["high"] <= 1
    assert [each["kind"] for each in verdict["dependence"]] == ["group", "camera", "time"]
    page = (recording.root / "compare" / "report.html").read_text()
    assert "independence by camera" in page and "4 clusters by camera" in page


def interval_width(recording: Gate, exported: dict[str, Path], policy: CompareParams) -> float:
    recording.compare(exported["good"], policy)
    ap = read_verdict(recording.root / "compare" / "verdict.json").ap
    return ap.high - ap.low


def test_cameras_and_moments_are_drawn_together(recording: Gate, exported: dict[str, Path]) -> None:
    """Ten moments alone make a narrower interval than with the four cameras, which leave three degrees of freedom."""
    moments = replace(POLICY, cluster="time", block_frames=1, neighbours=0.99)
    by_time = interval_width(recording, exported, moments)
    both = interval_width(recording, exported, replace(moments, cluster="camera"))
    assert both > by_time
    shown = read_verdict(recording.root / "compare" / "verdict.json")
    assert shown.test.clusters == CAMERAS
    assert [(each.kind, each.units) for each in shown.dependence] == [("camera", 4), ("time", 10)]
    assert "4 independent cameras or blocks of time" in shown.reason


def test_a_recording_shorter_than_a_block_of_time_has_one(recording: Gate, exported: dict[str, Path]) -> None:
    verdict = recording.compare(exported["good"], replace(POLICY, cluster="time", block_frames=60))
    assert verdict["test"]["clusters"] == 1
    assert "1 independent block of time" in verdict["reason"]
    assert (verdict["AP"]["low"], verdict["AP"]["high"]) == (0.0, 1.0), "nothing is known of the spread"


def test_a_clearly_better_candidate_is_not_promoted_on_one_recording(
    gate: Gate, recording: Gate, exported: dict[str, Path]
) -> None:
    """On ten scenes it is: what is lacking is not the gain."""
    gate.compare(exported["bad"], POLICY)
    assert gate.promote(exported["bad"])["outcome"] == "promoted"
    against = replace(POLICY, champion=load_exported(exported["bad"]).id)
    assert gate.compare(exported["good"], against)["verdict"] == "promote"
    again = recording.compare(exported["good"], against)
    assert again["verdict"] == "not-enough-evidence"
    assert again["gain"]["value"] > 0.1
    by_camera = again["dependence"][1]
    assert (by_camera["kind"], by_camera["units"]) == ("camera", CAMERAS)
    assert by_camera["group_correlation"] is not None
    assert by_camera["design_effect"] is not None
