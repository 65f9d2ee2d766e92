"""Fitting on drawn people."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file

from dataengine.coco_json import read_people, write_people
from dataengine.errors import InputError, ParamsError
from dataengine.evaluation.ap.oks import joint_similarity
from dataengine.evaluation.ap.protocol import COCO
from dataengine.evaluation.figures import figures_of
from dataengine.evaluation.pck import pck
from dataengine.inference.running.predict import predict_people, torch_runner
from dataengine.keypoints import COCO_KEYPOINTS
from dataengine.labelled_set import joined
from dataengine.nets.checkpoint import load_checkpoint
from dataengine.nets.person_score import PersonScore
from dataengine.train import fit_student, fit_teacher
from dataengine.train.fit.data import fingerprint
from dataengine.train.fit.learnt_from.reading import read_training_set
from dataengine.train.fit.state import FitState, load_state, resume_folder, save_state
from dataengine.train.scoring.expected_oks import learnt_score
from dataengine.train.scoring.joint_curves import learnt_curves

from ...helpers.drawn_people import draw_people_at
from ...helpers.fitting_project import MOVED, TINY, curve, fit_here, one_torch_thread, write_project
from ...helpers.own_sigmas import OWN_PROTOCOL, params_with_own_sigmas


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """For all tests here."""
    with one_torch_thread():
        yield


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to fit in."""
    monkeypatch.chdir(tmp_path)
    write_project()
    return tmp_path


def test_it_learns_eight_people_by_heart(project: Path) -> None:
    final = fit_here(replace(TINY, epochs=4, draws_per_epoch=25, ema_decay=0.9))
    losses, hits = curve("models/a", "train_loss"), curve("models/a", "val_pck_02")
    assert losses[-1] < 0.4 * losses[0]
    assert hits[-1] > 0.9
    untaught = fit_here(replace(TINY, epochs=1, learning_rate=1e-9), "models/untaught")
    assert untaught["val_pck_02"] < 0.5
    assert final["val_pck_02"] == hits[-1]
    assert final["val_oks_ap"] > 0.5
    net, meta = load_checkpoint(Path("models/a"))
    people, images = read_people(Path("val.json"))
    shipped = predict_people(torch_runner(net), meta, people, images)
    assert pck(people, shipped.keypoints_px) == pytest.approx(hits[-1], abs=0.01)
    assert meta.lineage["stage"] == "fit-teacher"
    assert meta.lineage["labels"] == {"images": 8, "people": 8}
    metrics = json.loads(Path("reports/models/a/metrics.json").read_text())
    assert metrics["val_pck_02"] == hits[-1]
    assert metrics["oks_scale"] == "0.53 of the annotator's box"
    assert 0 < metrics["val_oks_ap_jittered"] == final["val_oks_ap_jittered"] < final["val_oks_ap"]
    assert meta.score is None, "eight people teach no score"
    assert cv2.imread("reports/models/a/val_predictions.jpg") is not None
    pictures = sorted(path.name for path in Path("reports/models/a/plots/images/predictions").iterdir())
    assert pictures == ["0.jpg", "1.jpg", "2.jpg", "3.jpg"]
    assert not resume_folder(Path("models/a")).exists()


def test_a_fit_learns_and_is_scored_by_the_sigmas_of_the_project(project: Path) -> None:
    params = replace(TINY, epochs=1, learning_rate=1e-9, losses={"oks": 1.0})
    section = yaml.safe_dump({"fit-teacher": asdict(params)})
    for out, text in (("coco", 'oks: {sigmas: ""}\n'), ("own", params_with_own_sigmas(project))):
        Path("params.yaml").write_text(section + text)
        paths = {"mix": Path("mix"), "val": Path("val.json"), "params": Path("params.yaml")}
        fit_teacher.command(**paths, out=Path("models") / out, report=Path("reports/models") / out)
    people, images = read_people(Path("val.json"))
    for out, protocol in (("coco", COCO), ("own", OWN_PROTOCOL)):
        net, meta = load_checkpoint(Path("models") / out)
        found = predict_people(torch_runner(net), meta, people, images)
        metrics = json.loads(Path(f"reports/models/{out}/metrics.json").read_text())
        assert metrics["oks_sigmas"] == meta.lineage["oks_sigmas"] == protocol.sigmas_name
        ap = figures_of(people, images, found.as_people(people), protocol).ap
        assert metrics["val_oks_ap"] == pytest.approx(ap, abs=1e-6)
        similarity = joint_similarity(people, found.keypoints_px, protocol)[people.visibility > 0]
        assert curve(f"models/{out}", "train_loss")[0] == pytest.approx(1 - similarity.mean(), abs=0.15)
    assert curve("models/own", "train_loss")[0] > curve("models/coco", "train_loss")[0] + 0.02


def test_a_fit_by_other_sigmas_does_not_go_on_from_this_ones_state(project: Path) -> None:
    files, pictures = [Path("val.json")], {"a.png": "0" * 64}
    by_coco, by_own = (fingerprint(TINY, pictures, files, protocol=each) for each in (COCO, OWN_PROTOCOL))
    assert by_coco == fingerprint(TINY, pictures, files) != by_own


def test_same_seed_same_losses_and_another_seed_others(project: Path) -> None:
    params = replace(TINY, epochs=2, augment=MOVED)
    for out, seed in (("models/a", 3), ("models/b", 3), ("models/c", 4)):
        fit_here(replace(params, seed=seed), out)
    assert curve("models/a", "train_loss") == curve("models/b", "train_loss")
    assert curve("models/a", "train_loss") != curve("models/c", "train_loss")


@pytest.mark.slow
def test_a_killed_run_ends_with_the_weights_of_an_unbroken_one(project: Path) -> None:
    params = replace(TINY, epochs=12, draws_per_epoch=3, augment=MOVED)
    Path("params.yaml").write_text(yaml.safe_dump({"fit-teacher": asdict(params), "oks": {"sigmas": ""}}))
    command = [sys.executable, "-m", "dataengine.cli", "fit-teacher", "--mix", "mix", "--val", "val.json"]
    command += ["--out", "models/killed", "--report", "reports/models/killed"]
    state = resume_folder(Path("models/killed")) / "state.pt"
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True, env=environment) as process:
        deadline = time.monotonic() + 120
        while not state.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
        os.killpg(process.pid, signal.SIGKILL)
    assert state.exists(), "killed before the first epoch was saved"
    assert not Path("models/killed").exists(), "a half is not to be taken for a whole"
    fit_here(params, "models/killed")
    fit_here(params, "models/whole")
    killed, whole = (load_file(f"models/{name}/model.safetensors") for name in ("killed", "whole"))
    assert killed.keys() == whole.keys()
    for name, tensor in whole.items():
        torch.testing.assert_close(killed[name], tensor, rtol=0, atol=0)
    assert curve("models/killed", "train_loss") == curve("models/whole", "train_loss")
    assert not state.exists()


def test_a_state_of_other_data_or_in_pieces_is_not_taken_up(tmp_path: Path) -> None:
    out = tmp_path / "model"
    save_state(out, FitState("mine", 2, {"a": torch.ones(2)}, {}, {}, [{"train_loss": 1.0}]))
    loaded = load_state(out, "mine")
    assert loaded is not None
    assert loaded.epochs_done == 2
    assert load_state(out, "another") is None
    whole = (resume_folder(out) / "state.pt").read_bytes()
    (resume_folder(out) / "state.pt").write_bytes(whole[: len(whole) // 2])
    assert load_state(out, "mine") is None
    rng = np.random.default_rng(0)
    for _ in range(300):  # whatever a bad disk does to a byte, a fit can start
        damaged = bytearray(whole)
        damaged[rng.integers(len(whole))] = rng.integers(256)
        (resume_folder(out) / "state.pt").write_bytes(damaged)
        load_state(out, "mine")


def test_a_loss_that_is_not_finite_stops_the_run_and_names_images(project: Path) -> None:
    with pytest.raises(InputError, match=r"diverged at epoch 0, step \d.*people \d, \d.*images/real\d\.png") as caught:
        fit_here(replace(TINY, learning_rate=1e30))
    assert "learning_rate" in str(caught.value)
    assert not Path("models/a").exists()


def test_pseudo_labels_enter_beside_the_mix_with_their_weights(project: Path) -> None:
    pseudo, images = draw_people_at(Path("pool"), 5, seed=1, source="pseudo")
    write_people(Path("pseudo/people.json"), pseudo.replace(weight=np.full(5, 0.25, np.float32)), images)
    training = read_training_set(Path("mix"), Path("pseudo/people.json"), 0.5)
    assert len(training.people) == 13
    order = training.order(0, draws=3)
    assert np.bincount(training.people.source[order] == "pseudo").tolist() == [24, 12]
    row = int(np.flatnonzero(training.people.source == "pseudo")[2])
    assert training.people.weight[row] == 0.25
    assert "pseudo2" in str(training.images.path[training.images.rows_of(training.people.image_id[[row]])[0]])
    assert (read_training_set(Path("mix"), None, 0.5).people.source == "real").all()


def test_the_checkpoint_keeps_what_was_taught_and_by_whom(project: Path) -> None:
    """Faces are labelled in people who are never drawn, and ankles in nobody; the network to start from knew faces."""
    people, images = read_people(Path("mix/train.json"), root=project)
    real = people.visibility.copy()
    real[:, :5] = real[:, 15:] = 0
    rendered = people.replace(source=np.full(len(people), "synthetic", dtype=people.source.dtype))
    both, both_images = joined([(people.replace(visibility=real), images), (rendered, images)])
    write_people(Path("mix/train.json"), both, both_images)
    fit_here(replace(TINY, epochs=1), "models/limbs")
    assert load_checkpoint(Path("models/limbs"))[1].taught == COCO_KEYPOINTS[5:15]
    write_people(Path("mix/train.json"), people, images)
    fit_here(replace(TINY, epochs=1), "models/all")
    assert load_checkpoint(Path("models/all"))[1].taught == COCO_KEYPOINTS
    write_people(Path("mix/train.json"), both, both_images)
    fit_here(replace(TINY, epochs=1, start_from="models/all"), "models/on")
    assert load_checkpoint(Path("models/on"))[1].taught == COCO_KEYPOINTS


def test_a_fit_learns_its_score_from_enough_validation_people(project: Path) -> None:
    people, images = draw_people_at(Path("more"), 40, seed=5)
    write_people(Path("val.json"), people, images)
    final = fit_here(TINY)
    net, meta = load_checkpoint(Path("models/a"))
    raw = predict_people(torch_runner(net), replace(meta, joint_confidence=None), people, images)
    prediction = predict_people(torch_runner(net), meta, people, images)
    assert meta.joint_confidence == learnt_curves(people, raw), "learnt from the network's own confidence"
    expected, features = learnt_score(people, prediction), prediction.score_features(people.bbox_xywh_px)
    assert meta.score is not None and expected is not None
    np.testing.assert_allclose(meta.score.of(features), expected.of(features), atol=1e-4)
    plain = replace(raw, person_score=PersonScore(meta.is_taught))
    assert final["val_oks_ap"] == pytest.approx(figures_of(people, images, plain.as_people(people)).ap), (
        "figures are taken before the score is learnt on the same people"
    )


def test_the_student_starts_from_a_checkpoint(project: Path) -> None:
    fit_here(replace(TINY, epochs=2, draws_per_epoch=25))
    pseudo, images = draw_people_at(Path("pool"), 4, seed=1, source="pseudo")
    write_people(Path("pseudo.json"), pseudo, images)
    short = {**vars(replace(TINY, epochs=1, learning_rate=1e-5)), "pseudo_per_real": 0.5}

    def first_loss(start_from: str | None, name: str) -> float:
        fit_student.run(
            fit_student.FitStudentParams(**{**short, "start_from": start_from}),
            mix=Path("mix"),
            pseudo=Path("pseudo.json"),
            val=Path("val.json"),
            out=Path(name),
            report=Path("reports") / name,
        )
        return curve(name, "train_loss")[0]

    assert first_loss("models/a", "models/warm") < 0.8 * first_loss(None, "models/cold")
    short["pretrained"] = "weights.pth"
    with pytest.raises(ParamsError, match="params fit-student: start_from and pretrained both give weights"):
        first_loss("models/a", "models/both")


def test_a_mix_without_repeat_factors_and_an_empty_validation_set_are_named(project: Path) -> None:
    people, images = read_people(Path("val.json"))
    write_people(Path("val.json"), people.take([]), images)
    with pytest.raises(InputError, match="no people to validate on"):
        fit_here(TINY)
    write_people(Path("mix/train.json"), people, images)
    with pytest.raises(InputError, match="no repeat factors"):
        fit_here(TINY)


@pytest.mark.parametrize(
    "change",
    [
        *({"epochs": 0}, {"ema_decay": 1.0}, {"batch": -1}, {"accumulate": 0}, {"learning_rate": float("nan")}),
        *({"patience": -1}, {"restarts": -1}, {"restart_growth": 0.0}),
    ],
)
def test_senseless_parameters_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ParamsError, match=f"^{next(iter(change))}: expected"):
        replace(TINY, **change)
