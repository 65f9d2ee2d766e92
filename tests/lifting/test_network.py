"""The network's two ways to compute the same, and what a frame's answer depends on."""

from math import prod

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dataengine.errors import ParamsError
from dataengine.lifting.lifted import lift_track, padding
from dataengine.lifting.network import LifterNetwork, Placed
from dataengine.lifting.observed import RayTrack
from dataengine.lifting.params import LifterParams, VirtualCameras
from dataengine.lifting.rays import FEATURES

from .made_motions import SMALL, seen_track, small

WIDTHS = st.lists(st.sampled_from([1, 3, 5]), min_size=1, max_size=3).map(tuple)


def network(params: LifterParams) -> LifterNetwork:
    """With statistics of its normalisation that are not those it began with."""
    torch.manual_seed(0)
    net = LifterNetwork(params)
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm1d):
            module.running_mean = torch.randn(module.num_features)
            module.running_var = torch.rand(module.num_features) + 0.5
    return net.eval()


def answered(net: LifterNetwork, inputs: torch.Tensor, frames: int, *, strided: bool = False) -> Placed:
    with torch.inference_mode():
        return net(inputs, torch.zeros(len(inputs), frames, 2), torch.ones(len(inputs), frames), strided=strided)


@settings(max_examples=15, deadline=None)
@given(widths=WIDTHS, causal=st.booleans(), extra=st.integers(0, 6))
def test_strided_windows_and_dilated_tracks_give_the_same(widths: tuple[int, ...], causal: bool, extra: int) -> None:
    params = small(filter_widths=widths, causal=causal)
    net, field = network(params), params.receptive_field
    assert field == prod(widths)
    inputs = torch.randn(1, field + extra, FEATURES)
    whole = answered(net, inputs, extra + 1)
    assert whole.pose_m.shape == (1, extra + 1, 17, 3) and whole.root_m.shape == (1, extra + 1, 3)
    windows = torch.cat([inputs[:, start : start + field] for start in range(extra + 1)])
    each = answered(net, windows, 1, strided=True)
    torch.testing.assert_close(each.pose_m[:, 0], whole.pose_m[0], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(each.root_m[:, 0], whole.root_m[0], rtol=1e-4, atol=1e-5)


@settings(max_examples=15, deadline=None)
@given(widths=WIDTHS, causal=st.booleans(), frame=st.integers(0, 19))
def test_an_answer_depends_on_its_receptive_field_alone(widths: tuple[int, ...], causal: bool, frame: int) -> None:
    params = small(filter_widths=widths, causal=causal)
    net = network(params)
    track, _ = seen_track(20)
    changed = track.rays.copy()
    changed[frame] += np.random.default_rng(frame).normal(0, 0.02, (17, 2))
    before = lift_track(net, params, track).joints_m
    after = lift_track(net, params, RayTrack(track.time_s, changed, track.confidence)).joints_m
    differs = np.abs(before - after).max(axis=(1, 2)) > 1e-6
    reach_before, reach_after = padding(params)
    may = np.zeros(20, dtype=bool)
    may[max(0, frame - reach_after) : frame + reach_before + 1] = True
    assert differs[frame] and not (differs & ~may).any()
    if causal:
        assert not differs[:frame].any(), "nothing looks ahead"


def test_hips_lie_around_the_root_and_far_people_are_far() -> None:
    net = network(SMALL)
    track, _ = seen_track()
    lifted = lift_track(net, SMALL, track)
    np.testing.assert_allclose(lifted.pose_m[:, 11:13].mean(axis=1), 0, atol=1e-6)
    half = lift_track(net, SMALL, RayTrack(track.time_s, track.rays / 2, track.confidence))
    assert (half.root_m[:, 2] > lifted.root_m[:, 2]).all()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("filter_widths", (2, 3)),
        ("filter_widths", ()),
        ("filter_widths", (3,) * 8),
        ("channels", 0),
        ("dropout", 1.0),
        ("rate_fps", (60.0, 10.0)),
        ("batch", 1),
        ("unlabelled_share", 1.0),
        ("learning_rate", float("nan")),
    ],
)
def test_params_out_of_range_are_refused(key: str, value: object) -> None:
    with pytest.raises(ParamsError, match=key):
        small(**{key: value})


def test_cameras_out_of_range_are_refused() -> None:
    for key, value in (("distance_m", (0.0, 3.0)), ("pitch_deg", (-90.0, 0.0)), ("off_axis", -1.0)):
        with pytest.raises(ParamsError, match=key):
            VirtualCameras(**{key: value})  # type: ignore[arg-type]
