"""Distillation: the losses against float64 references, the step, and real fits from files."""

import json
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from scipy.special import log_softmax

from dataengine.errors import InputError, ParamsError
from dataengine.nets.checkpoint import load_checkpoint, save_checkpoint
from dataengine.train import fit_student
from dataengine.train.fit.distill import Distillation
from dataengine.train.fit.params import DistillParams, FitParams
from dataengine.train.fit.start import first_network, model_meta
from dataengine.train.fit.step import Stepper
from dataengine.train.fit.steps.ranks import Ranks
from dataengine.train.losses.distillation import feature_loss, soft_map_loss, soft_target_loss
from dataengine.train.losses.distribution import bump_area, gaussian_heatmaps, heatmap_loss

from ...helpers.fitting_project import TINY, curve, fit_here, one_torch_thread, write_project
from .test_resume import Stop, same_weights, stop_after
from .test_step import learn, make_batch

WIDE = replace(TINY, network_kwargs={"channels": [24, 48, 64], "blocks": [1, 1, 1]}, seed=9)
HEATMAP: dict[str, Any] = {"head": "heatmap", "losses": {"heatmap_mse": 1.0}, "label_sigma_px": 5.0}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder to fit in, one thread."""
    monkeypatch.chdir(tmp_path)
    write_project()
    with one_torch_thread():
        yield


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(4)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_soft_targets_are_the_references(rng: np.random.Generator, temperature: float) -> None:
    student, teacher = (rng.normal(scale=5, size=(3, 17, 40)) for _ in range(2))
    weight = rng.choice([0.0, 0.3, 1.0], (3, 17))
    expected, counted = 0.0, 0
    for person, joint in np.argwhere(weight > 0):
        wanted, found = (log_softmax(x[person, joint] / temperature) for x in (teacher, student))
        expected += temperature**2 * float((np.exp(wanted) * (wanted - found)).sum())
        counted += 1
    got = soft_target_loss(torch.from_numpy(student), torch.from_numpy(teacher), torch.from_numpy(weight), temperature)
    assert got.item() == pytest.approx(expected / counted, rel=1e-12)


def test_a_teacher_whose_maps_are_the_labels_teaches_what_labels_teach(rng: np.random.Generator) -> None:
    cell_px, sigma_px = (4.0, 3.0), 5.0
    points = torch.from_numpy(rng.uniform(0, 48, (3, 17, 2)))
    student = torch.from_numpy(rng.normal(size=(3, 17, 16, 12)))
    counts = torch.from_numpy(rng.choice([0.0, 1.0], (3, 17)))
    maps = gaussian_heatmaps(points, 16, 12, cell_px, sigma_px)
    wanted = heatmap_loss(student, points, counts, cell_px=cell_px, sigma_px=sigma_px)
    got = soft_map_loss(student, maps, counts, bump_area(cell_px, sigma_px))
    assert got.item() == pytest.approx(wanted.item(), rel=1e-12)
    assert soft_map_loss(student, maps + 0.1, counts, 1.0) != soft_map_loss(
        student, maps, counts, 1.0
    )  # the level counts


def test_features_are_compared_by_their_angle_cell_by_cell(rng: np.random.Generator) -> None:
    student, teacher = rng.normal(size=(3, 6, 2, 4)), rng.normal(size=(3, 6, 8, 8))
    weight = np.zeros((3, 17))
    weight[0, :5], weight[1, :2] = 0.5, 1.0
    pooled = teacher.reshape(3, 6, 2, 4, 4, 2).mean(axis=(3, 5))
    dot = (student * pooled).sum(axis=1)
    angle = 1 - dot / np.sqrt((student**2).sum(axis=1) * (pooled**2).sum(axis=1))
    expected = np.average(angle.mean(axis=(1, 2)), weights=[5, 2, 0])
    got = feature_loss(*map(torch.from_numpy, (student, teacher, weight)))
    assert got.item() == pytest.approx(expected, rel=1e-9)
    assert feature_loss(torch.from_numpy(student), torch.from_numpy(student * 7), torch.ones(3, 17)).item() < 1e-9


def test_gradients_are_those_of_differences(rng: np.random.Generator) -> None:
    student, teacher = (torch.from_numpy(rng.normal(size=(2, 17, 5))) for _ in range(2))
    weight = torch.from_numpy(rng.choice([0.0, 1.0], (2, 17)))
    student.requires_grad_()
    assert torch.autograd.gradcheck(lambda s: soft_target_loss(s, teacher, weight, 3.0), student)
    maps = torch.from_numpy(rng.normal(size=(2, 3, 2, 2))).requires_grad_()
    teacher_map = torch.from_numpy(rng.normal(size=(2, 3, 4, 4)))
    assert torch.autograd.gradcheck(lambda s: feature_loss(s, teacher_map, weight), maps)


@pytest.mark.parametrize(
    "loss",
    [lambda x, w: soft_target_loss(x, x + 1, w, 1.0), lambda x, w: soft_map_loss(x[..., None], x[..., None] + 1, w, 2)],
)
def test_nobody_who_counts_costs_nothing(loss: Any) -> None:
    assert loss(torch.randn(2, 17, 4), torch.zeros(2, 17)).item() == 0
    assert feature_loss(torch.randn(2, 3, 2, 2), torch.randn(2, 3, 2, 2), torch.zeros(2, 17)).item() == 0


def save_teacher(params: FitParams, folder: str = "teacher") -> None:
    """A network with random weights."""
    meta = model_meta(params)
    save_checkpoint(Path(folder), first_network(params, meta), meta)


def stepper(params: FitParams, distill: DistillParams, **changes: Any) -> Stepper:
    meta = model_meta(params)
    net = first_network(params, meta)
    # batch norm apart, pieces of a batch have to add up to the whole
    net.train = lambda mode=True: torch.nn.Module.train(net, False)  # type: ignore[method-assign, assignment]
    teach = Distillation(distill, net, meta, seed=1, label_sigma_px=params.label_sigma_px)
    return Stepper(replace(params, **changes), net, np.full(64, 400.0), str, Ranks(), teach, precision="fp32")


@pytest.mark.parametrize("head", [{}, HEATMAP])
def test_pieces_add_up_and_the_teacher_stays_as_it_is(head: dict[str, Any]) -> None:
    plain = replace(TINY, clip_norm=1e9, network_kwargs={"channels": [8, 16], "blocks": [1, 1]})
    params = replace(plain, **head)
    save_teacher(replace(WIDE, **head))
    distill = DistillParams("teacher", output_weight=0.7, feature_weight=2.0)
    found = []
    for accumulate in (1, 3):
        one = stepper(params, distill, accumulate=accumulate)
        loss = learn(one, make_batch(12), 0.0)
        found.append(
            (loss, torch.cat([p.grad.flatten() for p in one.learner.model.parameters() if p.grad is not None]))
        )
    assert found[1][0] == pytest.approx(found[0][0], rel=1e-5)
    torch.testing.assert_close(found[1][1], found[0][1], rtol=1e-3, atol=1e-5)
    assert one.learner.distillation is not None
    saved = load_file("teacher/model.safetensors")
    assert all(
        torch.equal(tensor, saved[name]) for name, tensor in one.learner.distillation.teacher.state_dict().items()
    )
    assert all(p.grad is None for p in one.learner.distillation.teacher.parameters())
    labels_only = replace(distill, output_weight=1e-12, feature_weight=0.0)
    assert learn(stepper(params, labels_only), make_batch(12), 0.0) < found[0][0]


@pytest.mark.parametrize(("teacher", "student"), [("hrnet-w48", "hrnet-w32"), ("hrnet-w32", "residual")])
def test_large_networks_teach_small_ones(teacher: str, student: str) -> None:
    """Features of a quarter of the crop's size teach those of a quarter and of a sixteenth."""
    size: dict[str, Any] = {"input_width_px": 32, "input_height_px": 32, "network_kwargs": {}}
    save_teacher(replace(TINY, **size, network=teacher))
    params = replace(TINY, **size, network=student)
    one = stepper(params, DistillParams("teacher", feature_weight=1.0))
    losses = [learn(one, make_batch(2), 1e-3) for _ in range(4)]
    assert losses[-1] < losses[0]
    assert one.learner.distillation is not None
    assert one.learner.distillation.projection.weight.shape[0] == int(teacher[-2:])  # type: ignore[union-attr, index]


def fit_with(distill: DistillParams, out: str, **changes: Any) -> dict[str, float]:
    shared = {f.name: getattr(TINY, f.name) for f in fields(FitParams)}
    params = fit_student.FitStudentParams(**{**shared, "pseudo_per_real": 0.0, "distill": distill, **changes})
    val = Path("val.json")
    return fit_student.run(params, mix=Path("mix"), pseudo=val, val=val, out=Path(out), report=Path("reports") / out)


def test_a_student_comes_closer_to_its_teacher_and_ships_alone() -> None:
    fit_here(replace(WIDE, epochs=3, draws_per_epoch=25), "models/teacher")
    for name, weight in (("plain", 1e-9), ("taught", 3.0)):
        fit_with(DistillParams("models/teacher", weight, weight), f"models/{name}", epochs=2, draws_per_epoch=10)
    assert json.loads(Path("models/taught/model.json").read_text())["lineage"]["params"]["distill"]["teacher"]
    teacher, taught, plain = (load_checkpoint(Path(f"models/{n}"))[0] for n in ("teacher", "taught", "plain"))
    assert taught.state_dict().keys() == plain.state_dict().keys()
    images = torch.from_numpy(make_batch(8).images)
    with torch.no_grad():
        gaps = [soft_target_loss(net(images)[0], teacher(images)[0], torch.ones(8, 17), 1.0) for net in (taught, plain)]
    assert gaps[0] < gaps[1]


def test_stopped_and_resumed_is_bit_identical(monkeypatch: pytest.MonkeyPatch) -> None:
    save_teacher(WIDE)
    distill = DistillParams("teacher", feature_weight=1.0)
    fit_with(distill, "models/whole")
    with monkeypatch.context() as patch:
        stop_after(1, patch)
        with pytest.raises(Stop):
            fit_with(distill, "models/stopped")
    fit_with(distill, "models/stopped")
    assert same_weights("models/whole", "models/stopped")
    assert curve("models/whole", "train_loss") == curve("models/stopped", "train_loss")


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"input_width_px": 64}, "another crop"),
        ({"crop_padding": 1.3}, "another crop"),
        (HEATMAP, "another head"),
    ],
)
def test_a_teacher_of_another_kind_is_refused_in_one_line(changes: dict[str, Any], match: str) -> None:
    save_teacher(replace(WIDE, **changes))
    with pytest.raises(InputError, match=match) as caught:
        fit_with(DistillParams("teacher"), "models/a")
    assert "\n" not in str(caught.value)
    assert not Path("models/a").exists()


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"temperature": 0.0}, "^temperature: expected above 0"),
        ({"output_weight": -1.0}, "^output_weight: expected 0 or more"),
        ({"feature_weight": float("nan")}, "^feature_weight: expected 0 or more"),
        ({"output_weight": 0.0}, "all weights are 0"),
    ],
)
def test_senseless_parameters_are_refused(changes: dict[str, Any], match: str) -> None:
    with pytest.raises(ParamsError, match=match):
        DistillParams(**{"teacher": "teacher", **changes})
