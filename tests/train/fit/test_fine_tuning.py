"""Going on from an earlier network: rates by depth, old people next to the new, what is forgotten."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file

from dataengine.coco_json import read_people, write_people
from dataengine.errors import InputError, ParamsError
from dataengine.evaluation.ap.oks import coco_ap
from dataengine.inference.running.predict import predict_people, torch_runner
from dataengine.nets.checkpoint import load_checkpoint
from dataengine.people import Images, People
from dataengine.train.fit.learnt_from.reading import read_training_set
from dataengine.train.fit.learnt_from.replay import ReplayParams
from dataengine.train.fit.schedule import decay_groups
from dataengine.train.fit.start import first_network, model_meta

from ...helpers.drawn_people import draw_people_at
from ...helpers.fitting_project import TINY, fit_here
from .earlier_mix import SHORT, project  # noqa: F401  a fixture

IDS = np.arange(101, 107)


def test_rates_fall_by_the_stage_and_decay_stays_with_kernels() -> None:
    net = first_network(TINY, model_meta(TINY))
    groups = decay_groups(net, 0.3, 0.5)
    rate = {id(p): group["rate"] for group in groups for p in group["params"]}
    expected = {"joint_maps": 1.0, "to_x": 1.0, "to_y": 1.0}
    blocks = {"0": 0.125, "1": 0.125, "3": 0.25, "4": 0.5}  # stem, and a block in each of two groups
    for name, parameter in net.named_parameters():
        first, second = name.split(".")[:2]
        assert rate[id(parameter)] == (blocks[second] if first == "backbone" else expected[first])
    assert len(rate) == len(list(net.parameters()))
    assert {p.ndim > 1 for g in groups if g["weight_decay"] == 0.3 for p in g["params"]} == {True}
    assert {p.ndim > 1 for g in groups if g["weight_decay"] == 0.0 for p in g["params"]} == {False}


def test_without_layer_decay_there_are_the_two_groups_of_always_in_the_order_of_the_network() -> None:
    net = first_network(TINY, model_meta(TINY))
    kernels, others = decay_groups(net, 0.3)
    assert [id(p) for p in kernels["params"]] == [id(p) for p in net.parameters() if p.ndim > 1]
    assert [id(p) for p in others["params"]] == [id(p) for p in net.parameters() if p.ndim <= 1]
    assert (kernels["rate"], others["rate"]) == (1.0, 1.0)


def test_early_layers_move_less() -> None:
    fit_here(replace(SHORT, epochs=1), "models/start")
    before = load_file("models/start/model.safetensors")
    moved = {}
    for decay in (1.0, 0.1):
        fit_here(replace(SHORT, start_from="models/start", layer_decay=decay, weight_decay=0.0), f"models/{decay}")
        after = load_file(f"models/{decay}/model.safetensors")
        moved[decay] = {k: float((after[k] - before[k]).norm()) for k in ("backbone.0.weight", "to_x.weight")}
    assert moved[0.1]["backbone.0.weight"] < 0.05 * moved[1.0]["backbone.0.weight"]
    assert moved[0.1]["to_x.weight"] > 0.3 * moved[1.0]["to_x.weight"]


@pytest.mark.parametrize(("share", "old"), [(0.5, 16), (0.2, 4), (1 / 3, 8), (0.3333333333, 8)])
def test_replay_is_exact_in_every_epoch_and_goes_round(share: float, old: int) -> None:
    training = read_training_set(Path("mix"), None, 0.0, ReplayParams("old-mix", share))
    plain = read_training_set(Path("mix"), None, 0.0)
    seen = []
    for epoch in range(5):
        order = training.order(epoch, 2)
        assert (order < 8).sum() == 16
        assert len(order) == 16 + old
        assert sorted(order[order < 8]) == sorted(plain.order(epoch, 2)), "the new people are drawn as without"
        np.testing.assert_array_equal(order, training.order(epoch, 2))
        seen += order[order >= 8].tolist()
    counts = np.bincount(np.array(seen) - 8, minlength=5)
    assert counts.max() - counts.min() <= 1
    rows = training.images.rows_of(training.people.image_id[8:])
    assert {Path(str(path)).parent.name for path in training.images.path[rows]} == {"old"}


def test_metrics_report_what_was_forgotten() -> None:
    fit_here(replace(TINY, epochs=4, draws_per_epoch=25), "models/start")
    tuned = replace(SHORT, start_from="models/start", old_test="old-test.json", replay=ReplayParams("old-mix", 0.25))
    final = fit_here(tuned, "models/tuned")
    people, images = read_people(Path("old-test.json"))
    for key, folder in (("old_test_ap_before", "models/start"), ("old_test_ap_after", "models/tuned")):
        net, meta = load_checkpoint(Path(folder))
        prediction = predict_people(torch_runner(net), meta, people, images)
        assert final[key] == pytest.approx(coco_ap(people, images, prediction.as_people(people))["AP"], abs=0.02)
    assert final["forgotten_ap"] == final["old_test_ap_before"] - final["old_test_ap_after"]
    assert json.loads(Path("reports/models/tuned/metrics.json").read_text())["forgotten_ap"] == final["forgotten_ap"]


def test_a_fit_from_random_weights_is_measured_on_old_people_too() -> None:
    final = fit_here(replace(SHORT, old_test="old-test.json"), "models/fresh")
    assert "old_test_ap_before" not in final and "forgotten_ap" not in final
    net, meta = load_checkpoint(Path("models/fresh"))
    people, images = read_people(Path("old-test.json"))
    prediction = predict_people(torch_runner(net), meta, people, images)
    assert final["old_test_ap_after"] == pytest.approx(coco_ap(people, images, prediction.as_people(people))["AP"])


@pytest.mark.parametrize(
    ("changes", "match"), [({"crop_padding": 1.5}, "another crop"), ({"input_height_px": 64}, "another crop")]
)
def test_a_start_that_sees_other_crops_is_refused(changes: dict[str, Any], match: str) -> None:
    fit_here(replace(SHORT, epochs=1), "models/start")
    with pytest.raises(InputError, match=match):
        fit_here(replace(SHORT, start_from="models/start", **changes))


def test_an_old_test_picture_that_is_learned_from_is_refused() -> None:
    fit_here(replace(SHORT, epochs=1), "models/start")
    people, images = read_people(Path("val.json"))
    write_people(Path("old-test.json"), people, images)
    with pytest.raises(InputError, match=r"old-test\.json shares 8 pictures with the training people"):
        fit_here(replace(SHORT, start_from="models/start", old_test="old-test.json"))


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"layer_decay": 0.0}, "layer_decay"),
        ({"layer_decay": 1.5}, "layer_decay"),
        ({"crop_padding": 0.0}, "crop_padding"),
        ({"crop_padding": -1.0}, "crop_padding"),
        ({"input_width_px": 0}, "input_width_px"),
    ],
)
def test_senseless_parameters_are_refused(changes: dict[str, Any], match: str) -> None:
    with pytest.raises(ParamsError, match=match):
        replace(TINY, **changes)


@pytest.mark.parametrize(("mix", "share"), [(None, 0.5), ("old-mix", 0.0), ("old-mix", 1.0), ("old-mix", -0.1)])
def test_half_a_replay_is_refused(mix: str | None, share: float) -> None:
    with pytest.raises(ParamsError, match=r"^(share: expected 0 or more|replay: expected both a mix and a share)"):
        ReplayParams(mix, share)


def test_pre_training_on_drawn_people_then_fine_tuning_on_real_ones() -> None:
    """The recipe of docs/training.md, small: two fits of one mix, each of its own source."""
    parts = [
        read_people(Path("mix/train.json"), root=Path.cwd()),
        draw_people_at(Path("rendered"), 6, seed=7, source="synthetic"),
    ]
    people = People.concat([parts[0][0], parts[1][0].with_extra("repeat_factor", np.ones(6)).replace(image_id=IDS)])
    images = Images.concat([parts[0][1], parts[1][1].replace(id=IDS)])
    write_people(Path("mix/train.json"), people, images)
    drawn = {}
    for only in ("synthetic", "real"):
        training = read_training_set(Path("mix"), None, 0.0, only=only)  # type: ignore[arg-type]
        drawn[only] = set(training.people.source[training.order(0, 2)])
    assert drawn == {"synthetic": {"synthetic"}, "real": {"real"}}
    fit_here(replace(TINY, only="synthetic", batch=6, epochs=3, draws_per_epoch=25), "models/pre")
    warm = fit_here(replace(SHORT, only="real", start_from="models/pre", layer_decay=0.8), "models/warm")
    cold = fit_here(replace(SHORT, only="real"), "models/cold")
    assert warm["val_pck_02"] > cold["val_pck_02"]
