"""An adopted network where a model of our own would stand: as candidate, champion and teacher.

The network is the exported student of the round with its sidecar hidden, under the contract that it was fitted by.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dataengine.adopted.contract import AnswerForm, Contract, Feed
from dataengine.adopted.folder import write_adopted
from dataengine.coco_json import read_people
from dataengine.inference.exported import load_exported
from dataengine.train.pseudo.teachers import fitted_opinion

from ..gate_round import PARAMS, Gate

CONTRACT = Contract(
    Feed(64, 64), AnswerForm("simcc", 17, "simcc_x", "simcc_y", decode="mean", grid="half pixel"), tuple(range(17))
)


@pytest.fixture(scope="module")
def adopted(exported: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("adopted") / "student"
    write_adopted(folder, exported["good"] / "model.onnx", CONTRACT, {}, is_unseen=True)
    return folder


def test_it_is_compared_promoted_and_then_the_one_to_beat(
    adopted: Path, exported: dict[str, Path], round_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(round_folder)
    ours = Gate.fresh(tmp_path / "ours", round_folder / "test.json").compare(exported["good"])
    gate = Gate.fresh(tmp_path / "gate", round_folder / "test.json")
    verdict = gate.compare(adopted)
    assert verdict["verdict"] == ours["verdict"] == "promote"
    assert verdict["AP"]["value"] == pytest.approx(ours["AP"]["value"], abs=0.02)  # FP32 against FP16
    assert gate.promote(adopted)["outcome"] == "promoted"
    pinned = replace(PARAMS, champion=load_exported(adopted).id)
    worse = gate.compare(exported["bad"], pinned)
    assert worse["verdict"] == "reject"
    assert worse["champion_AP"]["value"] == pytest.approx(verdict["AP"]["value"], abs=1e-9)


def test_nothing_is_promoted_of_which_nobody_says_what_it_has_seen(
    exported: dict[str, Path], round_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(round_folder)
    write_adopted(tmp_path / "student", exported["good"] / "model.onnx", CONTRACT, {})
    verdict = Gate.fresh(tmp_path / "gate", round_folder / "test.json").compare(tmp_path / "student")
    assert verdict["verdict"] == "not-enough-evidence" and "learnt from" in verdict["reason"]


def test_it_teaches_as_the_checkpoint_does(adopted: Path, round_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(round_folder)
    people, images = read_people(Path("test.json"))
    ours, same = (fitted_opinion(folder, people, images) for folder in (Path("steps60"), adopted))
    assert len(people) == 40
    np.testing.assert_allclose(same.keypoints_px, ours.keypoints_px, atol=0.05)
    np.testing.assert_allclose(same.confidence, ours.confidence, atol=1e-3)
