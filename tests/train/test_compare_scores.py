"""The command on a network that learned something, judged by what it writes and prints."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dataengine.coco_json import read_people
from dataengine.errors import InputError
from dataengine.evaluation.ap.oks import coco_ap, person_oks
from dataengine.evaluation.ap.protocol import COCO, OksProtocol
from dataengine.inference.running.predict import load_runner, predict_people
from dataengine.inference.running.prediction import Prediction
from dataengine.people import People
from dataengine.train import compare_scores
from dataengine.train.studies.scores.rules import (
    BASE,
    ORACLE,
    Answers,
    expected_from_spread,
    mean_by_presence,
    mean_of_present,
)

from ..helpers.own_sigmas import OWN, OWN_PROTOCOL, params_with_own_sigmas


def test_every_score_is_measured_on_the_same_joints(
    round_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(round_folder)
    metrics = compare_scores.run(
        model=Path("steps60"), learn=Path("val.json"), test=Path("test.json"), report=tmp_path / "report"
    )
    assert json.loads((tmp_path / "report/metrics.json").read_text()) == metrics
    people, images = read_people(Path("test.json"), root=round_folder)
    runner, meta = load_runner(Path("steps60"))
    prediction = predict_people(runner, meta, people, images)
    found = prediction.as_people(people)
    scores = metrics["scores"]
    assert scores[BASE]["AP"] == pytest.approx(coco_ap(people, images, found)["AP"])
    oks = person_oks(people, prediction.keypoints_px).astype(np.float32)
    assert scores[ORACLE]["AP"] == pytest.approx(coco_ap(people, images, found.replace(score=oks))["AP"])
    assert scores[ORACLE]["AP"] == max(row["AP"] for row in scores.values())
    assert scores[ORACLE]["ECE"] < 1e-6
    for name, row in scores.items():
        assert row["gain"]["value"] == pytest.approx(row["AP"] - scores[BASE]["AP"]), name
        assert row["gain"]["low"] <= row["gain"]["high"]
    assert scores["calibrated mean"]["AP"] == pytest.approx(scores[BASE]["AP"], abs=0.02)  # equal but for ties
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(scores) + 2 + 3 + len(metrics["joints_ece"]) and lines[2].startswith(
        "| mean of all joints |"
    )


def test_scores_are_measured_by_the_sigmas_of_the_project(
    round_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(round_folder)
    (tmp_path / "params.yaml").write_text(params_with_own_sigmas(tmp_path))
    paths: dict[str, Any] = {
        "model": Path("steps60"),
        "learn": Path("val.json"),
        "test": Path("test.json"),
        "report": tmp_path / "r",
    }
    compare_scores.command(**paths, params=tmp_path / "params.yaml")
    metrics = json.loads((tmp_path / "r/metrics.json").read_text())
    people, images = read_people(Path("test.json"), root=round_folder)
    runner, meta = load_runner(Path("steps60"))
    prediction = predict_people(runner, meta, people, images)
    assert metrics["scores"][BASE]["AP"] == pytest.approx(
        coco_ap(people, images, prediction.as_people(people), OWN_PROTOCOL)["AP"]
    )
    assert metrics["mean_oks"] == pytest.approx(person_oks(people, prediction.keypoints_px, OWN_PROTOCOL).mean())
    assert metrics["oks_sigmas"] == OWN.name


def test_a_set_without_people_is_named(round_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(round_folder)
    document = json.loads(Path("val.json").read_text())
    Path("nobody.json").write_text(json.dumps(document | {"annotations": []}))
    with pytest.raises(InputError, match=r"nobody\.json has no people"):
        compare_scores.run(
            model=Path("steps6"), learn=Path("nobody.json"), test=Path("val.json"), report=tmp_path / "report"
        )


def test_people_that_scores_are_learnt_on_do_not_measure_them(
    round_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(round_folder)
    with pytest.raises(InputError, match="--learn and --test share pictures"):
        compare_scores.run(
            model=Path("steps6"), learn=Path("val.json"), test=Path("val.json"), report=tmp_path / "report"
        )


def answers_of(confidence: list[float], spread_px: float = 1.0) -> Answers:
    """One person of 100 px square with these confidences; the joints are found where they are."""
    points = np.zeros((1, 17, 2), np.float32)
    points[0, 0] = 100, 100
    sure = np.full((1, 17), confidence[0], np.float32)
    sure[0, : len(confidence)] = confidence
    people = People.build(
        image_id=[1], bbox_xywh_px=[[0, 0, 100, 100]], keypoints_px=points, visibility=np.full((1, 17), 2)
    )
    return Answers(people, Prediction(points, sure, np.full((1, 17), spread_px, np.float32), np.zeros_like(sure)))


def test_presence_leaves_out_what_seems_absent() -> None:
    answers = answers_of([0.8] * 14 + [0.1] * 3)
    assert mean_of_present(answers) == pytest.approx([0.8])
    assert mean_of_present(answers_of([0.1] * 17)) == pytest.approx([0.1])
    assert mean_by_presence(answers) == pytest.approx([(14 * 0.64 + 0.03) / (14 * 0.8 + 0.3)])


@pytest.mark.parametrize("protocol", [COCO, OWN_PROTOCOL], ids=lambda protocol: protocol.sigmas_name)
def test_the_expected_oks_is_the_mean_over_a_normal_distribution(protocol: OksProtocol) -> None:
    """By drawing: joints that are off by as much as the spread says."""
    answers = replace(answers_of([0.9] * 17, spread_px=8.0), protocol=protocol)
    rng = np.random.default_rng(0)
    off = rng.normal(size=(20000, 17, 2)) * 8.0 / np.sqrt(2)
    people = answers.people.take(np.zeros(20000, int)).with_extra("area", np.full(20000, 0.53 * 100 * 100))
    drawn = person_oks(people, people.keypoints_px + off, protocol).mean()
    assert expected_from_spread(answers)[0] == pytest.approx(drawn, abs=0.005)
