"""Going on from an earlier network: rates by depth, old people next to the new, the champion, what is forgotten."""

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file

from dataengine.coco_json import read_people, write_people
from dataengine.errors import InputError, ParamsError
from dataengine.evaluation.ap.oks import coco_ap
from dataengine.files import fresh_folder, sha256_file
from dataengine.inference.exported import file_record, load_exported, write_sidecar
from dataengine.inference.running.predict import predict_people, torch_runner
from dataengine.mixing import MixRecipe, write_recipe
from dataengine.nets.checkpoint import WEIGHTS_NAME, load_checkpoint
from dataengine.nets.learnt_pictures import LEARNT_NAME, read_learnt_pictures
from dataengine.people import Images, People
from dataengine.registry.records import Entry, Event, Registry, write_registry
from dataengine.train import fit_teacher
from dataengine.train.fit.data import read_training_set, refuse_learning
from dataengine.train.fit.params import ReplayParams
from dataengine.train.fit.run import INFERENCE_BATCH, Run
from dataengine.train.fit.schedule import decay_groups
from dataengine.train.fit.start import first_network, model_meta
from dataengine.train.fit.steps.ranks import Ranks

from ...helpers.drawn_people import draw_people_at
from ...helpers.fitting_project import TINY, fit_here, one_torch_thread, write_project
from ...helpers.held_out import held_out_file
from ..gate_round import PARAMS as COMPARE

SHORT = replace(TINY, epochs=2)
IDS = np.arange(101, 107)


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder to fit in, with an old mix of five people and an old test set of three others."""
    monkeypatch.chdir(tmp_path)
    write_project()
    old, images = draw_people_at(Path("old"), 5, seed=5)
    write_people(Path("old-mix/train.json"), old.with_extra("repeat_factor", np.ones(5)), images)
    write_recipe(Path("old-mix/recipe.json"), MixRecipe(0.0, 0.0, 9))
    write_people(Path("old-test.json"), *draw_people_at(Path("old-test"), 3, seed=6))
    with one_torch_thread():
        yield


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


def promote(checkpoint: Path, *, with_weights: bool = True) -> None:
    """Enter `checkpoint` as the champion of a registry, the file of the network being any."""
    _, meta = load_checkpoint(checkpoint)
    with fresh_folder(Path("export")) as folder:
        (folder / "model.onnx").write_bytes(b"a network")
        names = ["model.onnx", *([WEIGHTS_NAME] if with_weights else [])]
        if with_weights:
            (folder / WEIGHTS_NAME).write_bytes((checkpoint / WEIGHTS_NAME).read_bytes())
        write_sidecar(folder, meta, {name: file_record(folder / name) for name in names}, {})
    model = load_exported(Path("export"))
    Path("store").mkdir(exist_ok=True)
    Path("export").rename(Path("store") / model.id)
    entry = Entry(model.id, "champion", "2026-01-01T00:00:00Z", 0.5, 0.4, 0.6, "0" * 64, "COCO", model.sha256, {})
    event = Event(entry.promoted_at, model.id, "promoted", "", 0.5, "COCO", "better", "1" * 64)
    write_registry(Path("registry.json"), Registry().with_champion(entry).with_event(event))
    sections = {
        "fit-teacher": asdict(replace(SHORT, start_from="champion", learning_rate=1e-9)),
        "registry": {"file": "registry.json", "store": "store"},
        "compare": {**asdict(COMPARE), "champion": model.id},
        "oks": {"sigmas": ""},
    }
    Path("params.yaml").write_text(yaml.safe_dump(sections))


def fit_from_champion() -> None:
    fit_teacher.command(
        mix=Path("mix"),
        val=Path("val.json"),
        out=Path("models/tuned"),
        report=Path("reports/tuned"),
        params=Path("params.yaml"),
    )


def test_a_fit_starts_from_the_champion() -> None:
    fit_here(replace(SHORT, epochs=1), "models/start")
    promote(Path("models/start"))
    fit_from_champion()
    first, tuned = load_file("models/start/model.safetensors"), load_file("models/tuned/model.safetensors")
    for name in ("backbone.0.weight", "to_x.weight"):
        torch.testing.assert_close(tuned[name], first[name], atol=1e-5, rtol=0)
    assert load_checkpoint(Path("models/tuned"))[1].lineage["params"]["start_from"].startswith("store/")


def test_a_champion_without_weights_and_a_missing_one_are_refused() -> None:
    fit_here(replace(SHORT, epochs=1), "models/start")
    promote(Path("models/start"), with_weights=False)
    with pytest.raises(InputError, match=r"was exported without model.safetensors"):
        fit_from_champion()
    sections = yaml.safe_load(Path("params.yaml").read_text())
    sections["compare"]["champion"] = ""
    Path("params.yaml").write_text(yaml.safe_dump(sections))
    with pytest.raises(ParamsError, match=r"params fit-teacher\.start_from is champion.*begin-round"):
        fit_from_champion()


def test_damaged_weights_of_the_champion_are_refused() -> None:
    fit_here(replace(SHORT, epochs=1), "models/start")
    promote(Path("models/start"))
    (path,) = Path("store").glob(f"*/{WEIGHTS_NAME}")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match="not the file that was exported"):
        fit_from_champion()


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


def test_pseudo_labels_alone() -> None:
    pseudo, images = draw_people_at(Path("pool"), 5, seed=1, source="pseudo")
    write_people(Path("pseudo.json"), pseudo, images)
    training = read_training_set(Path("mix"), Path("pseudo.json"), 0.0, only="pseudo")
    assert set(training.people.source[training.order(0, 1)]) == {"pseudo"}
    with pytest.raises(InputError, match="no pseudo samples"):
        read_training_set(Path("mix"), None, 0.0, only="pseudo").order(0, 1)


def test_a_fit_on_the_mix_alone_where_there_are_no_pseudo_labels(capsys: pytest.CaptureFixture[str]) -> None:
    write_people(Path("pseudo.json"), People.empty(), draw_people_at(Path("pool"), 2, seed=1)[1])
    training = read_training_set(Path("mix"), Path("pseudo.json"), 0.5)
    assert "without pseudo-labels" in capsys.readouterr().err
    alone = read_training_set(Path("mix"), None, 0.0)
    assert training.order(0, 2).tolist() == alone.order(0, 2).tolist()
    assert training.people.keypoints_px.tolist() == alone.people.keypoints_px.tolist()
    with pytest.raises(InputError, match="no pseudo samples"):
        read_training_set(Path("mix"), Path("pseudo.json"), 0.5, only="pseudo").order(0, 1)


def test_an_epoch_of_a_number_of_people_is_the_next_piece_of_the_draws() -> None:
    training = read_training_set(Path("mix"), None, 0.0)
    pieces = np.concatenate([training.order(epoch, 2, 5) for epoch in range(8)])
    np.testing.assert_array_equal(pieces, training.order(0, 5))
    with_old = read_training_set(Path("mix"), None, 0.0, ReplayParams("old-mix", 0.5))
    for epoch in range(4):
        order = with_old.order(epoch, 2, 5)
        assert len(order) == 10 and sorted(order[order < 8]) == sorted(training.order(epoch, 2, 5))
    with pytest.raises(ParamsError, match="people_per_epoch"):
        replace(TINY, people_per_epoch=0)


def test_fits_on_sets_of_any_size_take_equally_many_steps() -> None:
    few, images = draw_people_at(Path("few"), 3, seed=8)
    write_people(Path("few-mix/train.json"), few.with_extra("repeat_factor", np.ones(3)), images)
    write_recipe(Path("few-mix/recipe.json"), MixRecipe(0.0, 0.0, 1))
    params = replace(TINY, people_per_epoch=20, draws_per_epoch=7)
    for mix in ("mix", "few-mix"):
        training = read_training_set(Path(mix), None, 0.0)
        ranks = Ranks.of_environment(torch.device("cpu"))
        run = Run(params, model_meta(params), training, ranks, precision="fp32")
        assert (run.steps_per_epoch, run.steps) == (2, 6)
        assert run.inference_batch == INFERENCE_BATCH
        run.stepper.learner.pieces = 4
        assert run.inference_batch == params.batch // 4, "as many as fitted into memory"


def held_out_picture(folder: Path, place: Path) -> Path:
    """A file that holds out the first picture of the label file `place`."""
    _, images = read_people(place, root=Path.cwd())
    return held_out_file(folder, images.take([0]))


@pytest.mark.parametrize("place", ["mix/train.json", "old-mix/train.json"])
def test_a_picture_that_is_held_out_is_not_learnt_from_nor_replayed(place: str) -> None:
    held_out = held_out_picture(Path(), Path(place))
    params = replace(SHORT, replay=ReplayParams("old-mix", 0.5))
    paths: dict[str, Any] = {
        "mix": Path("mix"),
        "val": Path("val.json"),
        "out": Path("models/a"),
        "report": Path("reports/a"),
    }
    with pytest.raises(InputError, match=r"^the training set has pictures.*1 of test"):
        fit_teacher.run(params, **paths, held_out=held_out)
    assert not Path("models/a").exists()


def test_a_pseudo_labelled_picture_that_is_held_out_is_not_learnt_from() -> None:
    pseudo, images = draw_people_at(Path("pool"), 5, seed=1, source="pseudo")
    write_people(Path("pseudo.json"), pseudo.take([0, 1, 2]), images)
    training = read_training_set(Path("mix"), Path("pseudo.json"), 0.5)
    with pytest.raises(InputError, match="1 of test"):
        refuse_learning(held_out_file(Path(), images.take([2])), training)
    refuse_learning(held_out_file(Path(), images.take([4])), training)  # nobody there is learnt from
    refuse_learning(held_out_file(Path(), images.take([2])), read_training_set(Path("mix"), None, 0.0))


def hashes(place: str) -> set[str]:
    _, images = read_people(Path(place), root=Path.cwd())
    return {sha256_file(Path(path)) for path in images.path.tolist()}


def test_a_checkpoint_says_which_pictures_it_has_learnt_from_and_those_before_it() -> None:
    mix, old = hashes("mix/train.json"), hashes("old-mix/train.json")
    fit_here(SHORT, "models/plain")
    assert read_learnt_pictures(Path("models/plain")) == mix
    fit_here(replace(SHORT, replay=ReplayParams("old-mix", 0.5)), "models/replayed")
    assert read_learnt_pictures(Path("models/replayed")) == mix | old
    assert mix.isdisjoint(old)
    more, images = draw_people_at(Path("more"), 8, seed=9)
    write_people(Path("more-mix/train.json"), more.with_extra("repeat_factor", np.ones(8)), images)
    write_recipe(Path("more-mix/recipe.json"), MixRecipe(0.0, 0.0, 1))
    paths: dict[str, Any] = {"mix": Path("more-mix"), "val": Path("val.json"), "report": Path("reports/more")}
    fit_teacher.run(replace(SHORT, start_from="models/plain"), **paths, out=Path("models/more"))
    assert read_learnt_pictures(Path("models/more")) == mix | hashes("more-mix/train.json")
    (Path("models/plain") / LEARNT_NAME).unlink()
    fit_teacher.run(replace(SHORT, start_from="models/plain"), **paths, out=Path("models/more"))
    assert read_learnt_pictures(Path("models/more")) is None, "what the first network learnt from is not known"
