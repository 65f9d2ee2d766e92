"""Fits on small motions: they learn, are the same for the same seed, resume, and come back from their folder."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from dataengine.errors import InputError
from dataengine.lifting import fitting
from dataengine.lifting.body import bone_lengths
from dataengine.lifting.checkpoint import LIFTER_META, LIFTER_WEIGHTS, load_lifter, save_lifter
from dataengine.lifting.fitting import LifterData, fit_lifter, forget_state
from dataengine.lifting.losses import bone_loss, bone_means, pose_loss, projected, reprojection_loss, root_loss
from dataengine.lifting.network import LifterNetwork, Placed
from dataengine.lifting.observed import MeasuredErrors
from dataengine.lifting.params import LifterParams

from .made_motions import SMALL, seen_track, small, swaying

AHEAD = np.array([0, 0, 5])
DATA = LifterData(swaying(), MeasuredErrors.none(), [seen_track(12)[0]])


def weights(net: LifterNetwork) -> list[torch.Tensor]:
    return list(net.state_dict().values())


def test_losses_against_float64() -> None:
    rng = np.random.default_rng(0)
    pose, root = rng.normal(size=(4, 17, 3)), rng.normal(size=(4, 3)) + AHEAD
    true_pose, true_root = rng.normal(size=(4, 17, 3)), rng.normal(size=(4, 3)) + AHEAD
    found = Placed(torch.from_numpy(pose), torch.from_numpy(root))
    expected = np.linalg.norm(pose - true_pose, axis=-1).mean()
    assert float(pose_loss(found, torch.from_numpy(true_pose))) == pytest.approx(expected)
    expected = (np.linalg.norm(root - true_root, axis=-1) / true_root[:, 2]).mean()
    assert float(root_loss(found, torch.from_numpy(true_root))) == pytest.approx(expected)
    joints = pose + root[:, None]
    rays, sure, spread = rng.normal(size=(4, 17, 2)), rng.random((4, 17)), np.full(4, 0.5)
    depth = np.maximum(joints[..., 2:], 0.1)
    off = np.minimum(np.linalg.norm(joints[..., :2] / depth - rays, axis=-1) / 0.5, 10)
    got = reprojection_loss(found, *(torch.from_numpy(each) for each in (rays, sure, spread)))
    assert float(got) == pytest.approx((sure * off).sum() / sure.sum())
    np.testing.assert_allclose(projected(torch.from_numpy(joints)), joints[..., :2] / depth)
    other = Placed(torch.from_numpy(true_pose), found.root_m)
    np.testing.assert_allclose(bone_means(found.pose_m), bone_lengths(pose).mean(axis=0))
    expected = np.abs(bone_lengths(pose).mean(axis=0) - bone_lengths(true_pose).mean(axis=0)).mean()
    assert float(bone_loss(found, other)) == pytest.approx(expected)
    assert float(reprojection_loss(found, torch.zeros(4, 17, 2), torch.zeros(4, 17), torch.zeros(4))) == 0


def test_the_fingerprint_changes_with_everything_that_is_learned_from() -> None:
    motions, errors, (track, _) = (
        swaying(),
        MeasuredErrors.of([seen_track(6)[0]], [seen_track(6)[0].rays]),
        seen_track(12),
    )
    others = [
        LifterData(replace(motions, fps=2 * motions.fps), errors, [track]),
        LifterData(replace(motions, joints_m=motions.joints_m[::-1].copy()), errors, [track]),
        LifterData(motions, replace(errors, confidence=errors.confidence[:, ::-1] * 0.5), [track]),
        LifterData(motions, errors, [replace(track, rays=track.rays[::-1].copy())]),
        LifterData(motions, errors),
    ]
    own = LifterData(motions, errors, [track]).fingerprint()
    assert own == LifterData(swaying(), errors, [seen_track(12)[0]]).fingerprint()
    assert len({own, *(each.fingerprint() for each in others)}) == 6


def test_one_labelled_window_is_left_in_the_smallest_batch(tmp_path: Path) -> None:
    params = small(steps=2, batch=2, unlabelled_share=0.9, warmup_share=0.0)
    _, losses = fit_lifter(tmp_path / "net", params, DATA)
    assert np.isfinite(list(losses.values())).all() and "reprojection" in losses


def test_a_fit_learns_what_it_sees(tmp_path: Path) -> None:
    params = small(steps=60, batch=32, channels=32, learning_rate=0.01)
    _, late = fit_lifter(tmp_path / "net", params, LifterData(DATA.motions, DATA.errors))
    _, early = fit_lifter(tmp_path / "net", small(steps=1, batch=32), LifterData(DATA.motions, DATA.errors))
    assert late["pose"] < 0.5 * early["pose"] and late["root"] < early["root"]
    assert "reprojection" not in late


def test_tracks_without_labels_take_part_after_a_while(tmp_path: Path) -> None:
    _, losses = fit_lifter(tmp_path / "net", small(warmup_share=0.5), DATA)
    assert set(losses) == {"pose", "root", "reprojection", "bones"} and all(np.isfinite(list(losses.values())))
    _, losses = fit_lifter(tmp_path / "net", small(warmup_share=1.0), DATA)
    assert set(losses) == {"pose", "root"}


def test_a_killed_fit_ends_as_one_that_was_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "SAVED_EVERY", 2)
    params = small(dropout=0.3)
    whole, _ = fit_lifter(tmp_path / "whole", params, DATA)
    other_seed, _ = fit_lifter(tmp_path / "other", small(dropout=0.3, seed=1), DATA)
    real, steps, killed = fitting._step, list[int](), list[bool]()

    def stopped(net: LifterNetwork, *args: object) -> dict[str, float]:
        if args[-1] == 5 and not killed:
            killed.append(True)
            raise KeyboardInterrupt
        steps.append(int(args[-1]))  # type: ignore[call-overload]
        return real(net, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(fitting, "_step", stopped)
    with pytest.raises(KeyboardInterrupt):
        fit_lifter(tmp_path / "killed", params, DATA)
    resumed, _ = fit_lifter(tmp_path / "killed", params, DATA)
    assert steps == [0, 1, 2, 3, 4, 4, 5]
    for mine, theirs in zip(weights(resumed), weights(whole), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=0)
    assert any(not torch.equal(a, b) for a, b in zip(weights(other_seed), weights(whole), strict=True))
    steps.clear()
    fit_lifter(tmp_path / "killed", small(dropout=0.3, seed=2), DATA)
    assert steps[0] == 0, "the state of another fit is not taken"
    (tmp_path / "killed.resume/state.pt").write_bytes(b"half")
    fit_lifter(tmp_path / "killed", params, DATA)
    forget_state(tmp_path / "killed")
    assert not (tmp_path / "killed.resume").exists()


def test_a_lifter_comes_back_and_a_damaged_one_is_refused(tmp_path: Path) -> None:
    net, _ = fit_lifter(tmp_path / "net", SMALL, DATA)
    save_lifter(tmp_path / "net", net, SMALL, {"command": "test"})
    again, meta = load_lifter(tmp_path / "net")
    assert isinstance(meta.params, LifterParams) and meta.params == SMALL and meta.lineage["command"] == "test"
    for mine, theirs in zip(weights(again), weights(net), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=0)
    record = json.loads((tmp_path / "net" / LIFTER_META).read_text())
    broken: list[object] = [[], {}, {**record, "more": 1}, {**record, "params": {**record["params"], "steps": "many"}}]
    for wrong in broken:
        (tmp_path / "net" / LIFTER_META).write_text(json.dumps(wrong))
        with pytest.raises(InputError):
            load_lifter(tmp_path / "net")
    (tmp_path / "net" / LIFTER_META).write_text(json.dumps({**record, "params": {**record["params"], "channels": 8}}))
    with pytest.raises(InputError):
        load_lifter(tmp_path / "net")
    (tmp_path / "net" / LIFTER_META).write_text(json.dumps(record))
    (tmp_path / "net" / LIFTER_WEIGHTS).write_bytes(b"other")
    with pytest.raises(InputError, match="sha256"):
        load_lifter(tmp_path / "net")
    with pytest.raises(InputError, match="is not a lifter"):
        load_lifter(tmp_path / "none")
    spoilt = LifterNetwork(SMALL)
    next(spoilt.parameters()).data.fill_(float("nan"))
    save_lifter(tmp_path / "spoilt", spoilt, SMALL, {})
    with pytest.raises(InputError, match="has weights that are not finite"):
        load_lifter(tmp_path / "spoilt")
