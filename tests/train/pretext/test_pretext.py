"""The two tasks: an order and an agreement that are there are learnt, those that are not there are not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from dataengine.errors import InputError, ParamsError
from dataengine.train.fit.start import crop_spec, first_network, model_meta
from dataengine.train.pretext.blocks import Moments, PersonTrack, part
from dataengine.train.pretext.films import FollowedFilm, refuse_out_of_step
from dataengine.train.pretext.fitting import pretrain_network
from dataengine.train.pretext.measuring import TaskAccuracy, measured
from dataengine.train.pretext.order import OrderHead, draw_triples
from dataengine.train.pretext.shown import Changes, shown
from dataengine.train.pretext.tasks import Pretext
from dataengine.train.pretext.views import agreement, draw_pairs, view_loss

from ...helpers.fitting_project import one_torch_thread
from .made_films import FPS, PARAMS, film

CPU = torch.device("cpu")


def fitted(groups: list[list[FollowedFilm]], out: Path) -> dict[str, TaskAccuracy]:
    parted = part(groups, PARAMS)
    with one_torch_thread():
        done = pretrain_network(PARAMS, model_meta(PARAMS), parted, out)
        return dict(measured(done.model, parted, PARAMS, crop_spec(PARAMS), done.device))


def test_order_and_agreement_are_learnt_where_there_is_one(tmp_path: Path) -> None:
    found = fitted([[film("a", 0), film("b", 1)]], tmp_path / "out")
    assert set(found) == {"order", "views"}
    assert found["order"].learnt and found["order"].accuracy > 0.8
    assert found["views"].learnt and found["views"].accuracy > 0.8
    assert found["views"].by_pixels < 0.7, "the pictures themselves must not give the task away"
    parted = part([[film("a", 0), film("b", 1)]], PARAMS)
    random = Pretext(first_network(PARAMS, model_meta(PARAMS)), crop_spec(PARAMS))
    assert measured(random, parted, PARAMS, crop_spec(PARAMS), CPU)["views"].accuracy < 0.7


def test_shuffled_frames_teach_nothing(tmp_path: Path) -> None:
    found = fitted([[film("a", 0, shuffled=True), film("b", 1, shuffled=True)]], tmp_path / "out")
    assert not found["order"].learnt
    assert not found["views"].learnt
    assert "no better than chance" in found["order"].line()


def test_a_fit_that_was_stopped_ends_as_one_that_was_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    params = replace(PARAMS, epochs=2, people_per_epoch=96)
    parted = part([[film("a", 0), film("b", 1)]], params)
    with one_torch_thread():
        whole = pretrain_network(params, model_meta(params), parted, tmp_path / "whole")
        from dataengine.train.pretext import fitting

        real, calls = fitting.save_state, []

        def stops(out: Path, state: fitting.FitState) -> None:
            real(out, state)
            calls.append(state.epochs_done)
            if len(calls) == 1:
                raise KeyboardInterrupt

        monkeypatch.setattr(fitting, "save_state", stops)
        with pytest.raises(KeyboardInterrupt):
            pretrain_network(params, model_meta(params), parted, tmp_path / "part")
        again = pretrain_network(params, model_meta(params), parted, tmp_path / "part")
    assert calls == [1, 2]
    assert again.history == whole.history
    weights = whole.model.state_dict()
    assert all(torch.equal(weights[name], tensor) for name, tensor in again.model.state_dict().items())


def test_triples_lie_as_far_apart_as_asked_and_the_middle_is_known() -> None:
    time_s = np.arange(60) / FPS
    track = PersonTrack(np.arange(100, 160), time_s)
    crops = np.zeros((160, 8, 8, 3), np.uint8)
    crops[130:] = 200  # the only motion
    rows, middle = draw_triples([track], crops, PARAMS, 300, np.random.default_rng(0))
    assert rows.min() >= 100
    in_order = np.sort(rows, axis=1)
    assert (np.take_along_axis(rows, middle[:, None], axis=1)[:, 0] == in_order[:, 1]).all()
    gaps = np.diff(in_order, axis=1) / FPS
    assert gaps.min() >= 0.1 - 0.5 / FPS and gaps.max() <= 0.4 + 0.5 / FPS
    assert set(middle.tolist()) == {0, 1, 2}
    across = (in_order[:, 0] < 130) & (in_order[:, 2] >= 130)
    assert across.mean() > 0.5, "triples with motion are drawn more often"


def test_the_order_does_not_depend_on_places() -> None:
    torch.manual_seed(0)
    head = OrderHead(6)
    features = torch.randn(3, 6)
    straight = head(features)
    assert torch.allclose(head(features[[2, 0, 1]]), straight[:, [2, 0, 1]], atol=1e-6)
    assert torch.allclose(head(features[[1, 0, 2]]), straight[:, [1, 0, 2]], atol=1e-6)


def test_the_loss_of_views_is_info_nce_without_near_moments() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(6, 4))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    time_s = np.array([0.0, 0.05, 0.5])
    expected = []
    for i in range(6):
        own = [j for j in range(6) if j % 3 == i % 3 and j != i]
        others = [j for j in range(6) if j % 3 != i % 3 and abs(time_s[j % 3] - time_s[i % 3]) >= 0.1]
        logits = vectors[i] @ vectors[own + others].T / 0.2
        expected.append(np.log(np.exp(logits).sum()) - logits[0])
    got = view_loss(torch.from_numpy(vectors), torch.from_numpy(time_s), 0.1, 0.2)
    assert float(got) == pytest.approx(np.mean(expected))


def test_agreement_counts_who_is_nearer() -> None:
    rows = np.array([[0, 3], [1, 4], [2, -1]])
    moments = Moments(rows, np.array([0.0, 1.0, 2.0]))
    right = np.eye(5, dtype=np.float32)[[0, 1, 2, 0, 1]]
    assert agreement(right, moments, 0.5) == (1.0, 4)
    assert agreement(right[[0, 1, 2, 4, 3]], moments, 0.5) == (0.0, 4)
    assert agreement(np.ones((5, 2), np.float32), moments, 0.5) == (0.5, 4)
    assert agreement(right, moments, 1.5) == (0.5, 0)


def test_a_moment_that_one_camera_sees_makes_no_pair() -> None:
    one, two = film("a", 0), film("b", 1)
    some = np.flatnonzero(np.arange(len(two)) % 3 > 0)
    two = replace(two, frame=two.frame[some], time_s=two.time_s[some], track_id=two.track_id[some])
    three = film("c", 0)
    parted = part([[one, replace(two, crops=two.crops[some]), three]], PARAMS)
    (moments,) = parted.learnt.moments
    pairs, _ = draw_pairs([moments], 50, np.random.default_rng(0))
    assert (pairs >= 0).all() and (pairs[:, 0] != pairs[:, 1]).all()
    assert (moments.rows[:, 1] < 0).sum() == sum(frame % 3 == 0 for frame in one.frame[: len(moments.rows)])


def test_held_out_time_is_not_learnt_and_lies_apart() -> None:
    parted = part([[film("a", 0), film("b", 1)]], PARAMS)
    last = max(track.time_s.max() for track in parted.learnt.tracks)
    first = min(track.time_s.min() for track in parted.held.tracks)
    assert first - last >= PARAMS.margin_s - 1e-9
    assert parted.held.moments[0].time_s.min() - parted.learnt.moments[0].time_s.max() >= PARAMS.margin_s - 1e-9
    held = np.concatenate([track.rows for track in parted.held.tracks])
    assert not np.isin(held, np.concatenate([track.rows for track in parted.learnt.tracks])).any()


def test_crops_without_changes_are_the_middle_of_what_was_cut() -> None:
    spec = crop_spec(PARAMS)
    crops = np.zeros((2, 40, 40, 3), np.uint8)
    crops[:, 4:36, 4:36] = 255
    plain = shown(crops, spec, Changes.none(2))
    assert plain.shape == (2, 3, 32, 32)
    assert (plain == plain[0, :, :1, :1]).all(), "the border is not shown"
    moved = shown(crops, spec, replace(Changes.none(2), shift=np.array([[0.25, 0.0], [0.0, 0.0]])))
    assert (moved[0] != plain[0]).any() and (moved[1] == plain[1]).all()


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        ([[film("a", seconds=0.3)]], "too short for the order of moments.*a person followed for about 0.9 s"),
        ([[film("a"), replace(film("b"), step_s=1 / 25)]], "b is not in step with a.*30.00 and 25.00 frames"),
        ([[film("a"), replace(film("b"), frame=film("b").frame + 500)]], "a, b are not in step"),
        ([[film("a"), film("a")]], "a is the same film as a"),
    ],
)
def test_films_that_cannot_teach_are_refused(groups: list[list[FollowedFilm]], said: str) -> None:
    with pytest.raises(InputError, match=said):
        for films in groups:
            refuse_out_of_step(films)
        part(groups, PARAMS)


def test_views_alone_need_cameras() -> None:
    with pytest.raises(InputError, match="the agreement of views needs cameras in step"):
        part([[film("a")]], replace(PARAMS, order_weight=0.0))
    short = replace(PARAMS, order_weight=0.0, margin_s=3.0)
    with pytest.raises(InputError, match="too short for the agreement of views"):
        part([[film("a", 0), film("b", 1)]], short)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"order_weight": -1.0}, "order_weight"),
        ({"order_weight": 0.0, "views_weight": 0.0}, "order_weight and views_weight are 0"),
        ({"order_gap_s": (0.4, 0.1)}, "order_gap_s"),
        ({"held_share": 0.0}, "held_share: expected above 0, 0.9 at most"),
        ({"temperature": 0.0}, "temperature"),
        ({"batch": 2}, "batch"),
        ({"people_per_epoch": None}, "people_per_epoch"),
        ({"patience": 3}, "patience means nothing without labels"),
        ({"pretrained": "imagenet"}, "pretrained means nothing without labels"),
    ],
)
def test_params_that_mean_nothing_are_refused(change: dict[str, object], said: str) -> None:
    with pytest.raises(ParamsError, match=said):
        replace(PARAMS, **change)  # type: ignore[arg-type]
