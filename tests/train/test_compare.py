import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from dataengine.coco_json import read_people
from dataengine.errors import EnvironmentFault, InputError
from dataengine.evaluation.ap.oks import coco_ap
from dataengine.evaluation.jittered_boxes import BoxJitter, jittered_boxes
from dataengine.files import sha256_file
from dataengine.inference.exported import ONNX_FP16, SIDECAR, ExportedModel, file_record, load_exported
from dataengine.inference.running.predict import onnx_runner, predict_people
from dataengine.inference.shipped import engine_library
from dataengine.nets.learnt_pictures import LEARNT_NAME, read_learnt_pictures, write_learnt_pictures
from dataengine.people import Images, People
from dataengine.train import compare
from dataengine.train.gate.models import slices_of
from dataengine.train.gate.policy import Budgets

from .gate_round import PARAMS, Gate

ZERO_FLOOR = replace(PARAMS, floor_ap=0.0)


def jittered_ap(model: ExportedModel, people: People, images: Images) -> float:
    elsewhere = people.replace(bbox_xywh_px=jittered_boxes(people.bbox_xywh_px, BoxJitter()).astype(np.float32))
    found = predict_people(onnx_runner(model.folder / ONNX_FP16), model.meta, elsewhere, images)
    return coco_ap(people, images, found.as_people(elsewhere))["AP"]


def test_people_are_looked_for_where_a_detector_finds_them(
    gate: Gate, exported: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A detector that finds every second person, and one thing that is none, is sure of the former."""
    people, _ = read_people(gate.test, root=gate.test.parent)
    seen = people.take(np.arange(0, len(people), 2)).replace(score=np.full(20, 0.9, np.float32))
    ghost = seen.take([0]).replace(bbox_xywh_px=seen.bbox_xywh_px[[0]] * 0.5, score=np.full(1, 0.1, np.float32))
    monkeypatch.setattr(compare, "detected_people", lambda images, folder: People.concat([seen, ghost]))
    compare.run(
        PARAMS,
        candidate=exported["good"],
        test=gate.test,
        registry=gate.registry,
        store=gate.store,
        out=gate.root / "compare",
        detector=Path("models"),
    )
    figures = json.loads((gate.root / "compare" / "metrics.json").read_text())["candidate"]
    assert 0 < figures["AP_detected"] <= 0.51, "half of the people cannot be found"
    assert figures["AP_detected"] == pytest.approx(figures["AP"] / 2, abs=0.1)


def test_first_model_is_judged_against_the_floor(gate: Gate, exported: dict[str, Path], round_folder: Path) -> None:
    verdict = gate.compare(exported["good"])
    assert verdict["verdict"] == "promote"
    assert verdict["champion"] == ""
    model = load_exported(exported["good"])
    people, images = read_people(gate.test, root=round_folder)
    found = predict_people(onnx_runner(exported["good"] / ONNX_FP16), model.meta, people, images).as_people(people)
    expected = coco_ap(people, images, found)["AP"]
    assert verdict["AP"]["value"] == pytest.approx(expected, abs=1e-9)
    assert verdict["AP"]["low"] <= expected <= verdict["AP"]["high"]
    metrics = json.loads((gate.root / "compare" / "metrics.json").read_text())
    assert metrics["candidate"]["AP"] == pytest.approx(expected)
    assert metrics["oks_scale"] == verdict["test"]["scale"] == "0.53 of the annotator's box"
    assert metrics["candidate"]["AP_jittered"] == pytest.approx(jittered_ap(model, people, images), abs=1e-9)
    assert "AP_detected" not in metrics["candidate"]
    assert "AP in jittered boxes" in (gate.root / "compare" / "report.html").read_text()
    facts = {"people": 40, "images": 40, "clusters": 10, "use": 1, "budget": 10}
    assert {name: verdict["test"][name] for name in facts} == facts


def test_a_high_floor_rejects(gate: Gate, exported: dict[str, Path]) -> None:
    verdict = gate.compare(exported["bad"], replace(PARAMS, floor_ap=0.95))
    assert verdict["verdict"] == "reject"
    assert "misses the floor" in verdict["reason"]


def test_a_candidate_worse_on_purpose_is_rejected_and_a_better_one_promoted(
    gate: Gate, exported: dict[str, Path]
) -> None:
    for champion, candidate, expected in (("good", "bad", "reject"), ("bad", "good", "promote")):
        gate.compare(exported[champion], replace(PARAMS, floor_ap=0.0))
        here = Gate.fresh(gate.root / champion, gate.test)
        here.compare(exported[champion], replace(PARAMS, floor_ap=0.0))
        assert here.promote(exported[champion])["outcome"] == "promoted"
        pinned = replace(PARAMS, champion=load_exported(exported[champion]).id)
        verdict = here.compare(exported[candidate], pinned)
        assert verdict["verdict"] == expected
        assert verdict["gain"]["low"] <= verdict["gain"]["value"] <= verdict["gain"]["high"]
        assert verdict["gain"]["value"] == pytest.approx(verdict["AP"]["value"] - verdict["champion_AP"]["value"])


def test_the_champion_itself_gains_nothing(gate: Gate, exported: dict[str, Path]) -> None:
    gate.compare(exported["good"])
    gate.promote(exported["good"])
    verdict = gate.compare(exported["good"], replace(PARAMS, champion=load_exported(exported["good"]).id))
    assert verdict["verdict"] == "reject"
    assert verdict["gain"] == {"value": 0.0, "low": 0.0, "high": 0.0}


def test_same_input_gives_the_same_verdict(gate: Gate, exported: dict[str, Path]) -> None:
    first = gate.compare(exported["good"], begin=False)
    evidence = (gate.root / "compare" / "evidence.npz").read_bytes()
    assert gate.compare(exported["good"], begin=False) == first
    assert (gate.root / "compare" / "evidence.npz").read_bytes() == evidence


def test_test_set_hash_follows_labels_and_pictures(gate: Gate, exported: dict[str, Path], tmp_path: Path) -> None:
    before = gate.compare(exported["good"])["test"]["sha256"]
    picture = next(iter(sorted(gate.test.with_suffix("").glob("*.png"))))
    content = picture.read_bytes()
    try:
        picture.write_bytes(content + b"\0")
        assert gate.compare(exported["good"])["test"]["sha256"] != before
    finally:
        picture.write_bytes(content)


def test_unknown_champion_is_reported(gate: Gate, exported: dict[str, Path]) -> None:
    with pytest.raises(InputError, match="begin-round"):
        gate.compare(exported["good"], replace(PARAMS, champion="nobody"))


def test_tampered_champion_is_refused(gate: Gate, exported: dict[str, Path]) -> None:
    gate.compare(exported["good"])
    gate.promote(exported["good"])
    champion = load_exported(exported["good"]).id
    path = gate.store / champion / ONNX_FP16
    content = bytearray(path.read_bytes())
    content[1000] ^= 4
    path.write_bytes(content)
    with pytest.raises(InputError, match="not the file that was exported"):
        gate.compare(exported["bad"], replace(PARAMS, champion=champion))


def test_a_champion_exchanged_together_with_its_sidecar_is_refused(gate: Gate, exported: dict[str, Path]) -> None:
    gate.compare(exported["good"])
    gate.promote(exported["good"])
    champion = load_exported(exported["good"]).id
    for path in (gate.store / champion).iterdir():
        path.unlink()
    for path in exported["bad"].iterdir():
        (gate.store / champion / path.name).write_bytes(path.read_bytes())
    with pytest.raises(InputError, match="not what the registry promoted"):
        gate.compare(exported["bad"], replace(PARAMS, champion=champion))


def test_asking_for_a_missing_engine_is_refused(gate: Gate, exported: dict[str, Path]) -> None:
    with pytest.raises(InputError, match="no engine"):
        gate.compare(exported["bad"], replace(PARAMS, runner="engine"))


def test_auto_on_hopper_runs_what_runs_and_says_why(
    gate: Gate, exported: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """tensorrt_rtx has no kernels for compute capability 9.0: faked is the GPU alone."""
    if engine_library.installed("tensorrt_rtx") is None or engine_library.gpu_capability() is not None:
        pytest.skip("asks tensorrt_rtx on a machine without a GPU")
    monkeypatch.setattr(engine_library, "gpu_capability", lambda: "9.0")
    verdict = gate.compare(exported["good"], replace(PARAMS, runner="auto"))
    assert verdict["runner"]["name"] == "onnx-cpu"
    assert verdict["models"]["candidate"]["runner"] == "ONNX Runtime on the CPU"
    reasons = verdict["runner"]["passed_over"]
    assert set(reasons) == {"engine", "onnx-cuda", "torch-cuda"}
    assert "compute capability 9.0" in reasons["engine"] and "pip install tensorrt," in reasons["engine"]
    page = (gate.root / "compare" / "report.html").read_text()
    assert "ONNX Runtime on the CPU, model_fp16.onnx. Not run here: engine: tensorrt_rtx" in page
    with pytest.raises(EnvironmentFault, match=r"compute capability 9\.0.*pip install tensorrt,"):
        gate.compare(exported["good"], replace(PARAMS, runner="engine"))


def test_latency_of_another_runner_is_not_the_candidates(gate: Gate, exported: dict[str, Path]) -> None:
    """What the export measured on CUDA says nothing of the CPU that the comparison ran on."""
    folder = gate.root / "moved"
    shutil.copytree(exported["good"], folder)
    sidecar = json.loads((folder / SIDECAR).read_text())
    sidecar["files"][ONNX_FP16]["runner"] = "onnx-cuda"
    (folder / SIDECAR).write_text(json.dumps(sidecar))
    limited = replace(PARAMS, budgets=Budgets(latency_ms=1000.0, size_mb=None, ece=None))
    verdict = gate.compare(folder, limited)
    assert verdict["models"]["candidate"]["latency_ms"] == {}
    (check,) = [check for check in verdict["checks"] if check["kind"] == "latency"]
    assert check["passed"] is None and "not known" in check["sentence"]


def test_report_is_one_file_with_the_verdict_first(gate: Gate, exported: dict[str, Path]) -> None:
    gate.compare(exported["good"])
    gate.promote(exported["good"])
    gate.compare(exported["bad"], replace(PARAMS, champion=load_exported(exported["good"]).id))
    html = (gate.root / "compare" / "report.html").read_text()
    body = html[html.index("<body>") :]
    assert body.index('class="verdict reject"') < body.index("Do not promote the candidate.") < body.index("<table")
    assert body.count("<img") == 24 * 3
    assert not re.search(r'(src|href)="(?!data:)', html)  # nothing is loaded from elsewhere
    assert "worse than the champion" in body


def test_each_model_has_a_picture_of_its_errors(gate: Gate, exported: dict[str, Path]) -> None:
    folder = gate.root / "compare" / "breakdown"
    gate.compare(exported["good"])
    assert [path.name for path in folder.iterdir()] == ["candidate.png"]
    alone = (folder / "candidate.png").read_bytes()
    gate.compare(exported["good"])
    assert (folder / "candidate.png").read_bytes() == alone, "the same comparison, the same bytes"
    gate.promote(exported["good"])
    gate.compare(exported["bad"], replace(PARAMS, champion=load_exported(exported["good"]).id))
    assert sorted(path.name for path in folder.iterdir()) == ["candidate.png", "champion.png"]
    picture = cv2.imread(str(folder / "candidate.png"))
    assert picture is not None and picture.shape[1] > 2 * picture.shape[0]
    assert (folder / "champion.png").read_bytes() != (folder / "candidate.png").read_bytes()


def test_a_cost_without_a_count_is_explained(gate: Gate, exported: dict[str, Path]) -> None:
    """One answer a person: no other fits better, and yet the order of confidence among people may cost AP."""
    errors = {row["name"]: row for row in gate.compare(exported["bad"], ZERO_FLOOR)["models"]["candidate"]["errors"]}
    assert errors["score"]["count"] == 0 and errors["score"]["ap_cost"] > 0
    page = (gate.root / "compare" / "report.html").read_text()
    assert f"{errors['score']['ap_cost']:+.3f}<br><small>0 people</small>" in page
    assert "the cost is of the order among everybody" in page
    assert f"<small>{errors['jitter']['count']} joints</small>" in page


def test_budgets_are_those_of_the_file_that_runs(gate: Gate, exported: dict[str, Path]) -> None:
    verdict = gate.compare(exported["good"])
    figures = verdict["models"]["candidate"]
    sidecar = load_exported(exported["good"]).sidecar
    assert figures["file"] == ONNX_FP16
    assert figures["size_bytes"] == (exported["good"] / ONNX_FP16).stat().st_size
    assert figures["latency_ms"] == sidecar["files"][ONNX_FP16]["latency_ms"]
    assert set(figures["latency_ms"]) == {"1", "8"}
    assert figures["machine"] == sidecar["measured_on"]
    tight = replace(PARAMS, budgets=Budgets(latency_ms=1e-6, size_mb=1e-6, ece=1e-6))
    failed = [check["kind"] for check in gate.compare(exported["good"], tight)["checks"] if check["passed"] is False]
    assert failed == ["latency", "size", "calibration"]


def test_a_column_of_the_test_set_is_a_slice(gate: Gate, exported: dict[str, Path]) -> None:
    with pytest.raises(InputError, match="no column 'tags'"):
        gate.compare(exported["good"], replace(PARAMS, columns=["tags"]))
    people, images = read_people(gate.test, root=Path.cwd())
    tags = np.empty(len(people), dtype=object)
    tags[:] = [["night", "wet"] if row % 2 else None for row in range(len(people))]
    marked = people.with_extra("tags", tags).with_extra("cluster", np.arange(len(people)) % 3)
    names = [part.name for part in slices_of(marked, images, ["tags", "cluster"])]
    assert [name for name in names if "=" in name and name.split("=")[0] in ("tags", "cluster")] == [
        "tags=night",
        "tags=wet",
        "cluster=0",
        "cluster=1",
        "cluster=2",
    ]


def with_learnt(gate: Gate, exported: Path, name: str, sha256: list[str] | None) -> Path:
    """A copy of an export that says that it learnt from these pictures, None for one that does not say."""
    folder = gate.root / name
    shutil.copytree(exported, folder)
    sidecar = json.loads((folder / SIDECAR).read_text())
    del sidecar["files"][LEARNT_NAME]
    (folder / LEARNT_NAME).unlink()
    if sha256 is not None:
        sidecar["files"][LEARNT_NAME] = file_record(write_learnt_pictures(folder, sha256))
    (folder / SIDECAR).write_text(json.dumps(sidecar))
    return folder


def test_test_pictures_among_those_learnt_from_are_stated_and_stop_the_promotion(
    gate: Gate, exported: dict[str, Path]
) -> None:
    _, images = read_people(gate.test, root=Path.cwd())
    of_test = [sha256_file(Path(path)) for path in images.path.tolist()]
    fair = sorted(read_learnt_pictures(exported["good"]) or [])
    assert len(fair) == 192 and not set(of_test) & set(fair)
    for name, learnt, verdict, words in (
        ("fair", fair, "promote", "learnt from none of the 40 pictures"),
        ("leaky", [*fair, *of_test[:7]], "reject", "learnt from 7 of the 40 pictures of the test set"),
        ("silent", None, "not-enough-evidence", "not recorded which pictures"),
    ):
        found = gate.compare(with_learnt(gate, exported["good"], name, learnt))
        (check,) = [check for check in found["checks"] if check["name"] == "learnt"]
        assert found["verdict"] == verdict and words in check["sentence"]
        assert words in (gate.root / "compare/report.html").read_text()
        assert verdict == "promote" or words in found["reason"]
    assert gate.promote(gate.root / "silent")["outcome"] == "not enough evidence"
    leaky = gate.compare(gate.root / "leaky")
    assert leaky["checks"] and gate.promote(gate.root / "leaky")["outcome"] == "refused"


def test_the_store_keeps_what_the_champion_has_learnt_from(gate: Gate, exported: dict[str, Path]) -> None:
    gate.compare(exported["bad"], ZERO_FLOOR)
    gate.promote(exported["bad"])
    champion = load_exported(exported["bad"]).id
    assert read_learnt_pictures(gate.store / champion) == read_learnt_pictures(exported["bad"])
