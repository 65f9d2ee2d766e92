"""Channels removed by torch-pruning: what must go and what must stay."""

import copy
from typing import Any

import pytest
import torch
from torch import nn

from dataengine.errors import EnvironmentFault, InputError
from dataengine.nets.checkpoint import ModelMeta
from dataengine.nets.narrowed import WIDTHS
from dataengine.nets.network import KeypointNetwork
from dataengine.train.smaller import removing
from dataengine.train.smaller.removing import count, empty_channels, refuse_other_layers, with_zeros, without_channels

SMALL: dict[str, Any] = {"channels": [16, 24], "blocks": [1, 1]}


def network(head: str) -> tuple[KeypointNetwork, ModelMeta]:
    torch.manual_seed(0)
    kwargs = {**SMALL, "deconv_channels": 16} if head == "heatmap" else SMALL
    meta = ModelMeta("residual", kwargs, input_width_px=32, input_height_px=32, head=head)
    return meta.build().eval(), meta


@pytest.mark.parametrize(("head", "by"), [("simcc", "macs"), ("heatmap", "params")])
def test_a_share_is_kept_and_the_head_gives_what_it_gave(head: str, by: Any) -> None:
    net, meta = network(head)
    smaller, small_meta = without_channels(net, meta, 0.6, by, multiple_of=4)
    assert 0.5 < count(smaller, small_meta)[by] / count(net, meta)[by] <= 0.6
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        assert [t.shape for t in smaller(images)] == [t.shape for t in net(images)]
    assert small_meta.build().state_dict().keys() == smaller.state_dict().keys()
    shapes = {name: tensor.shape for name, tensor in smaller.state_dict().items()}
    assert {name: tensor.shape for name, tensor in small_meta.build().state_dict().items()} == shapes
    widths = small_meta.network_kwargs[WIDTHS]
    assert all(outside % 4 == 0 for name, (_, outside) in widths.items() if name not in ("joint_maps", "final_layer"))
    if head == "simcc":
        assert torch.equal(smaller.to_x.weight, net.to_x.weight), "the bins of no joint have changed"
        assert widths["joint_maps"][1] == 17 * 4
    assert empty_channels(smaller) == 0


def test_the_channels_with_the_smallest_norms_go() -> None:
    net, meta = network("simcc")
    inner: Any = net.get_submodule("backbone.3.body")
    with torch.no_grad():
        for layer in (inner[0], inner[1]):
            layer.weight[::2] *= 1e-3
        inner[3].weight[:, ::2] *= 1e-3
    smaller, _ = without_channels(net, meta, 0.75, "macs", multiple_of=4)
    left = smaller.state_dict()["backbone.3.body.0.weight"].flatten(1).abs().amax(dim=1)
    assert len(left) < 16
    assert (left > 0.01).sum() == 8, "all that are not small have stayed"


def test_pruning_twice_is_a_network_of_its_kind() -> None:
    net, meta = network("heatmap")
    once = without_channels(net, meta, 0.8, "macs", multiple_of=4)
    twice, twice_meta = without_channels(*once, 0.8, "macs", multiple_of=4)
    assert count(twice, twice_meta)["macs"] < 0.65 * count(net, meta)["macs"]
    twice_meta.build().load_state_dict(twice.state_dict())


def test_joints_that_are_removed_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """torch-pruning itself takes the outputs of a head for channels as all others."""
    monkeypatch.setattr(removing, "BEFORE_ANSWER", frozenset({"deconv_layers", "final_layer"}))
    with pytest.raises(EnvironmentFault, match=r"removed joints or bins.*17"):
        without_channels(*network("heatmap"), 0.6, "macs", multiple_of=1)


def test_what_cannot_be_pruned_is_one_line() -> None:
    _, meta = network("simcc")
    with pytest.raises(InputError, match=r"cannot be pruned: .*got 1\.weight"):
        refuse_other_layers(nn.Sequential(nn.Conv2d(3, 4, 1), nn.LayerNorm(4)), meta)
    with pytest.raises(InputError, match="got 0"):
        refuse_other_layers(nn.Sequential(nn.Conv2d(4, 8, 1, groups=2)), meta)
    with pytest.raises(InputError, match="does not become so small"):
        without_channels(*network("simcc"), 0.01, "macs", multiple_of=4)


def test_zeros_are_the_smallest_weights_of_all_layers() -> None:
    net, _ = network("simcc")
    net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # as checkpoints are loaded
    before = copy.deepcopy(net.state_dict())
    sparse = with_zeros(net, 0.5)
    weights = [(before[name], tensor) for name, tensor in sparse.state_dict().items() if tensor.dim() > 1]
    gone = torch.cat([old[new == 0].abs() for old, new in weights])
    left = torch.cat([new[new != 0].abs() for _, new in weights])
    assert gone.max() <= left.min()
    assert len(gone) / (len(gone) + len(left)) == pytest.approx(0.5, abs=1e-3)
    assert all(torch.equal(net.state_dict()[name], tensor) for name, tensor in before.items())


def test_products_are_counted_as_by_hand() -> None:
    net, meta = network("simcc")
    stem = 3 * 16 * 9 * 16 * 16
    first = (16 * 16 * 9 * 2 + 16 * 16) * 8 * 8
    second = (16 * 24 * 9 + 24 * 24 * 9 + 16 * 24) * 4 * 4
    head = 24 * 17 * 4 * 4 * 4 + 2 * 17 * (4 * 16) * 64
    assert count(net, meta)["macs"] == stem + first + second + head
    assert count(net, meta)["params"] == sum(p.numel() for p in net.parameters())
