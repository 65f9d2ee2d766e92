"""Views, and what the teacher says of them: places carried against the loader's own map, masks, holes, mirrors."""

from typing import Any

import numpy as np
import pytest
import torch

from dataengine.crops.training.augment import NO_AUGMENTATION
from dataengine.crops.training.loader import view_batch
from dataengine.crops.training.samples import CropSamples
from dataengine.people import Images, People
from dataengine.train.fit.consistency.params import ConsistencyParams
from dataengine.train.fit.consistency.stepping import weight_at
from dataengine.train.fit.consistency.teaching import Consistency, cut_out
from dataengine.train.fit.start import crop_spec, model_meta
from dataengine.train.fit.steps.batch import Inputs, Ready, mirrored
from dataengine.train.fit.steps.views import Views, hole_draws, views_of
from dataengine.train.losses.table import LossScales, WeightedLoss

from ....crops.training.carried_joints import carry_joints
from ....helpers.drawn_people import draw_people_at
from ....helpers.fitting_project import TINY

PARAMS = ConsistencyParams(mode="ema", least_confidence=0.3, cutouts=2)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[People, Images]:
    return draw_people_at(tmp_path_factory.mktemp("views") / "images", 6, seed=2)


def make_views(drawn: tuple[People, Images]) -> tuple[Any, Views]:
    strong = ConsistencyParams().strong
    samples = CropSamples(*drawn, crop_spec(TINY), strong, weak=NO_AUGMENTATION)
    batch = view_batch(samples, np.arange(6), [(1, i) for i in range(6)])
    return batch, views_of(batch, np.full(6, 400.0), np.full(6, 2, np.float32), hole_draws(6, [1, 2]))


class Known(torch.nn.Module):
    """A teacher whose answer is given."""

    def __init__(self, answer: tuple[torch.Tensor, ...]) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return self.answer


def teacher_of(places_px: np.ndarray, sharp: np.ndarray) -> tuple[Consistency, tuple[torch.Tensor, ...]]:
    """One that sees places (u, 17, 2), sharply where `sharp` (u, 17) is set and nowhere else."""
    meta = model_meta(TINY)
    head = meta.reader
    answer = []
    for axis, size in enumerate((32, 32)):
        bins = size * head.layout.simcc_split
        centers = (torch.arange(bins) + 0.5) / head.layout.simcc_split - 0.5
        peak = -(((centers - torch.from_numpy(places_px[..., axis, None])) / 0.7) ** 2)
        answer.append(torch.where(torch.from_numpy(sharp)[..., None], peak, torch.zeros_like(peak)).float())
    loss = WeightedLoss({"simcc_kl": 1.0}, head, LossScales.of(1.0))
    given = tuple(answer)
    taught = np.arange(17) >= 5
    return Consistency(PARAMS, head, Known(given), loss, taught, torch.device("cpu")), given


def test_confident_joints_are_carried_as_the_loader_carries_labels(drawn: tuple[People, Images]) -> None:
    batch, views = make_views(drawn)
    assert 0 < batch.mirrored.sum() < 6
    rng = np.random.default_rng(3)
    places, sharp = rng.uniform(4, 27, (6, 17, 2)), rng.random((6, 17)) < 0.7
    consistency, answer = teacher_of(places, sharp)
    lesson = consistency.lesson(consistency.ask(views.weak), views)
    assert consistency.ask(views.weak) is answer
    for i in range(6):
        wanted = carry_joints(places[i], batch.strong_from_weak[i], bool(batch.mirrored[i]))
        order = carry_joints(np.stack([np.arange(17.0)] * 2, axis=1), np.eye(2, 3), bool(batch.mirrored[i]))[:, 0]
        source = order.astype(int)
        inside = ((wanted >= -0.5) & (wanted < 31.5)).all(axis=1)
        expected = inside & sharp[i, source] & (source >= 5)
        clear = np.abs(wanted - 31.5).min(axis=1) > 0.2
        clear &= np.abs(wanted + 0.5).min(axis=1) > 0.2
        accepted = lesson.target.joint_weight[i].numpy() > 0
        assert (accepted == expected)[clear].all()
        found = lesson.target.keypoints_px[i].numpy()
        assert np.abs(found - wanted)[accepted].max() < 0.25


def test_the_loss_is_divided_by_all_joints_that_could_be(drawn: tuple[People, Images]) -> None:
    _, views = make_views(drawn)
    places = np.full((6, 17, 2), 15.0)
    consistency, answer = teacher_of(places, np.arange(17)[None].repeat(6, 0) % 2 == 0)
    lesson = consistency.lesson(answer, views)
    consistency.set_weight(2.0)
    counted = int((lesson.target.joint_weight > 0).sum())
    assert 0 < counted < 6 * 12
    expected = 2.0 * consistency.loss(answer, lesson.target) * counted / (6 * 12)
    assert consistency.loss_of(answer, lesson).item() == pytest.approx(expected.item(), rel=1e-6)
    nobody, flat = teacher_of(places, np.zeros((6, 17), bool))
    assert nobody.loss_of(flat, nobody.lesson(flat, views)).item() == 0.0


def test_holes_lie_over_accepted_joints_as_many_as_asked(drawn: tuple[People, Images]) -> None:
    _, views = make_views(drawn)
    consistency, answer = teacher_of(np.full((6, 17, 2), 15.0), np.ones((6, 17), bool))
    lesson = consistency.lesson(answer, views)
    white = torch.ones_like(views.strong)
    holes = cut_out(white, lesson, views) == 0
    assert holes.any(dim=(1, 2, 3)).all()
    assert (holes[:, 0] == holes[:, 1]).all()
    x, y = lesson.target.keypoints_px[:, :, 0], lesson.target.keypoints_px[:, :, 1]
    rows, columns = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
    reach = 0.2 * 32 * (0.5 + 0.35) + 0.5  # the largest hole, as far off as it may be
    near = ((columns - x[..., None, None]).abs() <= reach) & ((rows - y[..., None, None]).abs() <= reach)
    assert (holes[:, 0] <= near.any(dim=1)).all()
    none = Views(**{**vars(views), "cutouts": torch.zeros(6)})
    assert (cut_out(white, lesson, none) == 1).all()
    flat, nothing = teacher_of(np.full((6, 17, 2), 15.0), np.zeros((6, 17), bool))
    assert (cut_out(white, flat.lesson(nothing, views), views) == 1).all()


def test_a_mirror_turns_pixels_labels_and_maps_alike(drawn: tuple[People, Images]) -> None:
    batch, views = make_views(drawn)
    strong = batch.strong
    own = (strong.images, strong.keypoints_px, strong.joint_weight, np.full(6, 400, np.float32), strong.in_crop)
    images, keypoints_px, weight, area, in_crop = map(torch.from_numpy, own)
    given = Ready(Inputs(images, keypoints_px, weight, area, in_crop, views), np.arange(6))
    turned = mirrored(given).inputs
    assert torch.equal(turned.images.flip(-1), given.inputs.images)
    back = mirrored(Ready(turned, given.rows)).inputs
    for one, other in zip(back.tensors, given.inputs.tensors, strict=True):
        assert torch.allclose(one.float(), other.float(), atol=1e-5)
    for i in range(6):
        weak = batch.weak.keypoints_px[i].astype(np.float64)
        mapped = carry_joints(weak, turned.views.strong_from_weak[i].numpy(), bool(turned.views.mirrored[i]))  # type: ignore[union-attr]
        assert np.allclose(mapped, turned.keypoints_px[i].numpy(), atol=1e-3)


def test_parts_hold_every_view_once(drawn: tuple[People, Images]) -> None:
    _, views = make_views(drawn)
    rows = torch.arange(8.0)
    whole = Inputs(rows, rows, rows, rows, rows, views)
    parts = [whole.part(0, 3), whole.part(3, 6), whole.part(6, 8)]
    assert [len(part.views) for part in parts if part.views] == [2, 2, 2]
    together = torch.cat([part.views.draws for part in parts if part.views])
    assert torch.equal(together, views.draws)


def test_the_weight_rises_and_stays() -> None:
    weights = [weight_at(ConsistencyParams(weight=2.0, ramp_share=0.5), step, 100) for step in range(100)]
    assert weights[0] == pytest.approx(2 * np.exp(-5))
    assert (np.diff(weights[:51]) > 0).all()
    assert set(weights[50:]) == {2.0}
    assert weight_at(ConsistencyParams(ramp_share=0.0), 0, 100) == 1.0
