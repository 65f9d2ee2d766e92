"""A candidate in the shadow: what is kept of its answers, and that it is never waited for."""

import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dataengine.errors import InputError
from dataengine.evaluation.ap.oks import person_oks
from dataengine.inference.running.prediction import Prediction
from dataengine.keypoints import COCO_KEYPOINTS
from dataengine.people import People
from dataengine.pictures.encoding import encode_picture
from dataengine.pictures.reading.decoding import read_picture
from dataengine.serving.asked.crops import AskedCrops, asked_crops
from dataengine.serving.asked.metrics import ServingMetrics
from dataengine.serving.asked.served_model import ServedModel, served_model
from dataengine.serving.client import PoseClient
from dataengine.serving.messages.pose_pb2 import Box, PoseRequest
from dataengine.serving.shadow.asking import Shadow
from dataengine.serving.shadow.differing import compare_answers
from dataengine.serving.shadow.figures import AgreementCount, read_agreement
from dataengine.serving.shadow.folder import DISAGREEMENTS, PICTURES, read_disagreements
from dataengine.serving.shadow.opening import shadow_of
from dataengine.serving.shadow.params import ShadowParams

from ..made import BOXES, LIMITS, META, PARAMS, export_of, picture, png, runner_of, service

ALL_DIFFER = ShadowParams(differ_below=1.0, least_confidence=0.0, most_per_minute=100)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[ServedModel, ServedModel]:
    folder = tmp_path_factory.mktemp("pair")
    wider = replace(META, input_width_px=48, crop_padding=1.4)  # its crop is another
    exports = export_of(folder / "champion", 0), export_of(folder / "candidate", 1, wider)
    champion, candidate = (served_model(path, "cpu", threads=1) for path in exports)
    return champion, candidate


def asked_of(content: bytes, boxes: list[list[float]], champion: ServedModel) -> tuple[AskedCrops, Prediction]:
    request = PoseRequest(picture=content, boxes=[Box(x=x, y=y, width=w, height=h) for x, y, w, h in boxes])
    asked = asked_crops(request, champion.open.meta.crop, **LIMITS)
    return asked, champion.predict(asked.crops_bgr, asked.matrices)


def shadow_on(
    models: tuple[ServedModel, ServedModel], folder: Path, params: ShadowParams = ALL_DIFFER, **others: ServedModel
) -> Shadow:
    return Shadow(models[0], others.get("candidate", models[1]), folder, params, ServingMetrics())


def ask(shadow: Shadow, champion: ServedModel, seeds: range) -> None:
    for seed in seeds:
        shadow.offer(f"r{seed}", *asked_of(png(seed), BOXES[:1], champion))
    assert shadow.wait_until_idle(60)


def test_what_is_kept_is_both_answers_on_the_kept_picture(
    models: tuple[ServedModel, ServedModel], tmp_path: Path
) -> None:
    champion, candidate = models
    shadow = shadow_on(models, tmp_path)
    asked, found = asked_of(png(3), BOXES, champion)
    shadow.offer("request 1", asked, found)
    assert shadow.wait_until_idle(60)
    shadow.close()
    first, second = read_disagreements(tmp_path)
    assert (first.request_id, first.champion.model, first.candidate.model) == ("request 1", champion.id, candidate.id)
    for record, box in zip((first, second), BOXES, strict=True):
        path = tmp_path / record.picture
        assert hashlib.sha256(path.read_bytes()).hexdigest() == record.picture_sha256 == path.stem
        left, top = max(int(box[0] - 0.5 * box[2]), 0), max(int(box[1] - 0.5 * box[3]), 0)
        kept = read_picture(path)
        there = picture(3)[top : top + kept.shape[0], left : left + kept.shape[1]]
        assert np.abs(kept.astype(int) - there).mean() < 6  # JPEG
        assert record.box_xywh_px == pytest.approx((box[0] - left, box[1] - top, *box[2:]))
        assert f"OKS {record.oks:.2f}" in record.reason and not record.blurred
    # the champion's joints are those of the whole picture, moved into the part
    np.testing.assert_allclose(np.array(first.champion.keypoints_px), found.keypoints_px[0], atol=1e-3)
    # OKS as the gate computes it, with the champion's answer as the label
    truth = People.build(
        image_id=[1],
        bbox_xywh_px=[first.box_xywh_px],
        keypoints_px=[first.champion.keypoints_px],
        visibility=np.full((1, 17), 2),
    )
    assert first.oks == pytest.approx(person_oks(truth, np.array([first.candidate.keypoints_px]))[0], abs=1e-3)
    assert list(first.joint_oks) == list(COCO_KEYPOINTS)


def test_figures_count_everybody_and_go_on_after_a_restart(
    models: tuple[ServedModel, ServedModel], tmp_path: Path
) -> None:
    for first in (0, 4):
        shadow = shadow_on(models, tmp_path, replace(ALL_DIFFER, differ_below=0.5))
        ask(shadow, models[0], range(first, first + 4))
        shadow.close()
    figures = read_agreement(tmp_path, models[0].id, models[1].id)
    assert figures is not None and figures.people.compared == 8 and figures.since <= figures.until
    assert {count.compared for count in figures.joints.values()} == {8} and len(figures.joints) == 17
    assert sum(figures.outcomes.values()) == 8
    assert figures.people.agreed == figures.outcomes.get("agreed", 0)
    assert read_agreement(tmp_path, models[1].id, models[0].id) is None


def test_only_differences_are_kept(models: tuple[ServedModel, ServedModel], tmp_path: Path) -> None:
    same = ServedModel("same", models[0].open)
    shadow = shadow_on(models, tmp_path, replace(ALL_DIFFER, differ_below=0.999), candidate=same)
    ask(shadow, models[0], range(3))
    shadow.close()
    assert shadow.figures.outcomes == {"agreed": 3} and not (tmp_path / DISAGREEMENTS).exists()


def test_nobody_is_kept_twice_and_not_too_many(models: tuple[ServedModel, ServedModel], tmp_path: Path) -> None:
    shadow = shadow_on(models, tmp_path / "a")
    ask(shadow, models[0], range(3))
    ask(shadow, models[0], range(3))
    shadow.close()
    assert shadow.figures.outcomes == {"kept": 3, "duplicate": 3}
    again = shadow_on(models, tmp_path / "a")  # the hashes of what lies there are known
    ask(again, models[0], range(3))
    again.close()
    assert again.figures.outcomes == {"kept": 3, "duplicate": 6}
    seldom = shadow_on(models, tmp_path / "b", replace(ALL_DIFFER, most_per_minute=2))
    ask(seldom, models[0], range(4))
    seldom.close()
    assert seldom.figures.outcomes == {"kept": 2, "too often": 2}
    small = shadow_on(models, tmp_path / "c", replace(ALL_DIFFER, most_mb=0.003))
    ask(small, models[0], range(6))
    small.close()
    assert small.figures.outcomes["folder full"] >= 1
    assert sum(path.stat().st_size for path in (tmp_path / "c" / PICTURES).glob("*")) <= 3000


def test_a_share_of_the_requests(models: tuple[ServedModel, ServedModel], tmp_path: Path) -> None:
    shadow = shadow_on(models, tmp_path, replace(ALL_DIFFER, share=0.25, differ_below=0.0))
    ask(shadow, models[0], range(8))
    shadow.close()
    assert shadow.figures.outcomes == {"not drawn": 6, "agreed": 2}


def test_faces_are_gone_where_they_are_to_be(models: tuple[ServedModel, ServedModel], tmp_path: Path) -> None:
    asked, found = asked_of(png(3), BOXES[:1], models[0])
    for name, blurs in (("plain", False), ("blurred", True)):
        shadow = shadow_on(models, tmp_path / name, replace(ALL_DIFFER, blur_faces=blurs))
        shadow.offer("r", asked, found)
        assert shadow.wait_until_idle(60)
        shadow.close()
    (plain,), (blurred,) = read_disagreements(tmp_path / "plain"), read_disagreements(tmp_path / "blurred")
    assert (plain.blurred, blurred.blurred) == (False, True)
    assert plain.perceptual_hash == blurred.perceptual_hash
    before, after = (read_picture(tmp_path / n / r.picture) for n, r in (("plain", plain), ("blurred", blurred)))
    assert np.abs(before.astype(int) - after).max() > 40


def test_the_champion_never_waits_for_the_candidate(models: tuple[ServedModel, ServedModel], tmp_path: Path) -> None:
    champion, gate, entered = models[0], threading.Event(), threading.Event()
    real = runner_of(models[1])

    def slow(images: np.ndarray) -> tuple[np.ndarray, ...]:
        entered.set()
        gate.wait(60)
        return real(images)

    stuck = ServedModel("stuck", replace(models[1].open, runner=slow))
    size = picture().nbytes
    params = replace(ALL_DIFFER, queue_mb=2.5 * size / 1e6)
    metrics = ServingMetrics()
    shadow = Shadow(champion, stuck, tmp_path, params, metrics)
    with service(champion, PARAMS, shadow, metrics) as running:
        with PoseClient(f"127.0.0.1:{running.port}", deadline_s=60) as client:
            for seed in range(5):  # all are answered while the candidate hangs on the first
                assert len(client.find(png(seed), BOXES[:1])) == 1
        assert entered.wait(60)
        dropped = metrics.registry.get_sample_value("dataengine_shadow_people_total", {"outcome": "dropped"})
        assert dropped == 3  # one is being answered, one waits
        gate.set()
        assert shadow.wait_until_idle(60)
    shadow.close()
    assert shadow.figures.outcomes == {"dropped": 3, "kept": 2}


def test_a_candidate_that_fails_is_counted_alone(
    models: tuple[ServedModel, ServedModel], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(images: np.ndarray) -> tuple[np.ndarray, ...]:
        raise RuntimeError("out of memory")

    shadow = shadow_on(models, tmp_path, candidate=ServedModel("bad", replace(models[1].open, runner=broken)))
    with service(models[0], PARAMS, shadow) as running:
        with PoseClient(f"127.0.0.1:{running.port}", deadline_s=60) as client:
            assert [len(client.find(png(seed), BOXES)) for seed in range(3)] == [2, 2, 2]
        assert shadow.wait_until_idle(60)
    shadow.close()
    assert shadow.figures.outcomes == {"failed": 6}
    assert capsys.readouterr().err.count("out of memory") == 1


def test_sent_crops_are_compared_too(models: tuple[ServedModel, ServedModel], tmp_path: Path) -> None:
    asked, _ = asked_of(png(), BOXES, models[0])
    crops = PoseRequest(crops=np.ascontiguousarray(asked.crops_bgr[..., ::-1]).tobytes())
    sent = asked_crops(crops, models[0].open.meta.crop, **LIMITS)
    np.testing.assert_array_equal(sent.crops_bgr, asked.crops_bgr)
    same = ServedModel("same", models[0].open)
    shadow = shadow_on(models, tmp_path, replace(ALL_DIFFER, differ_below=0.98), candidate=same)
    shadow.offer("crops", sent, models[0].predict(sent.crops_bgr, sent.matrices))
    assert shadow.wait_until_idle(60)
    shadow.close()
    assert shadow.figures.outcomes == {"agreed": 2}  # the candidate cut the same crop out of the crop


def test_joints_of_which_both_are_unsure_say_nothing(models: tuple[ServedModel, ServedModel]) -> None:
    _, found = asked_of(png(), BOXES, models[0])
    sure = np.zeros((2, 17), dtype=np.float32)
    sure[0, 3] = 0.9
    other = Prediction(found.keypoints_px + 5, sure, found.spread_px, found.entropy, found.person_score)
    unsure = Prediction(found.keypoints_px, sure * 0, found.spread_px, found.entropy, found.person_score)
    compared = compare_answers(unsure, other, np.array(BOXES), 0.3)
    assert compared.known.tolist() == [True, False] and list(compared.by_joint(0)) == [COCO_KEYPOINTS[3]]


def test_a_torn_line_is_left_out_and_cut_off(models: tuple[ServedModel, ServedModel], tmp_path: Path) -> None:
    shadow = shadow_on(models, tmp_path)
    ask(shadow, models[0], range(2))
    shadow.close()
    whole = (tmp_path / DISAGREEMENTS).read_bytes()
    (tmp_path / DISAGREEMENTS).write_bytes(whole + whole[:50])
    assert len(read_disagreements(tmp_path)) == 2
    again = shadow_on(models, tmp_path)
    ask(again, models[0], range(5, 6))
    again.close()
    assert len(read_disagreements(tmp_path)) == 3
    (tmp_path / DISAGREEMENTS).write_bytes(whole.replace(b'"oks"', b'"okss"', 1))
    with pytest.raises(InputError, match=r"disagreements.jsonl line 1 has an unknown key"):
        read_disagreements(tmp_path)
    record = json.loads(whole.splitlines()[0])
    (tmp_path / DISAGREEMENTS).write_text(json.dumps({**record, "picture": "../../etc/passwd"}) + "\n")
    with pytest.raises(InputError, match="names another picture"):
        read_disagreements(tmp_path)
    with pytest.raises(InputError, match="expected the folder that `dataengine serve --shadow` wrote"):
        read_disagreements(tmp_path / "nowhere")


def test_a_folder_has_one_shadow_and_a_champion_is_no_candidate(
    models: tuple[ServedModel, ServedModel], tmp_path: Path
) -> None:
    shadow = shadow_on(models, tmp_path)
    with pytest.raises(InputError, match="belongs to a shadow that runs"):
        shadow_on(models, tmp_path)
    shadow.close()
    shadow_on(models, tmp_path).close()


@pytest.fixture
def export(tmp_path: Path) -> Iterator[Path]:
    yield export_of(tmp_path / "champion", 0)


def test_the_candidate_is_another_model(export: Path, tmp_path: Path) -> None:
    champion = served_model(export, "cpu", threads=1)
    refused = pytest.raises(InputError, match="the candidate is the champion")
    with refused, shadow_of(export, champion, tmp_path / "shadow", ShadowParams(), ServingMetrics()):
        pass
    with shadow_of(None, champion, tmp_path / "shadow", ShadowParams(), ServingMetrics()) as nobody:
        assert nobody is None
    assert not (tmp_path / "shadow").exists()


def test_wilsons_interval_is_that_of_the_paper() -> None:
    rate = AgreementCount(compared=10, agreed=8).rate(0.95)
    assert rate is not None
    z, n, p = 1.959964, 10, 0.8
    middle, half = p + z**2 / (2 * n), z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    expected = (middle + np.array([-half, half])) / (1 + z**2 / n)
    np.testing.assert_allclose([rate.low, rate.high], expected, atol=1e-5)
    assert AgreementCount().rate(0.95) is None


def test_the_picture_is_encoded_as_a_photograph(models: tuple[ServedModel, ServedModel], tmp_path: Path) -> None:
    shadow = shadow_on(models, tmp_path, replace(ALL_DIFFER, margin=0.0))
    shadow.offer("r", *asked_of(png(1), [[10, 10, 40, 40]], models[0]))
    assert shadow.wait_until_idle(60)
    shadow.close()
    (record,) = read_disagreements(tmp_path)
    assert (tmp_path / record.picture).read_bytes() == encode_picture(picture(1)[10:50, 10:50], ".jpg", quality=95)
