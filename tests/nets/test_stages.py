"""Every network names its stages in the order in which an image passes through them."""

from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import nn

from dataengine.nets.layout import Layout
from dataengine.nets.table import NETWORKS, build_network

VITPOSE = {
    "config": {
        "backbone_config": {
            "model_type": "vitpose_backbone",
            **{"hidden_size": 24, "num_hidden_layers": 3, "num_attention_heads": 2, "image_size": [64, 64]},
            "out_indices": [3],
        },
        "num_labels": 17,
    }
}
CASES: dict[str, tuple[dict[str, Any], int]] = {  # constructor arguments, stages
    "residual": ({"channels": [8, 8, 16], "blocks": [1, 2, 1]}, 4),
    "hrnet-w18": ({}, 5),
    "hrnet-w32": ({}, 5),
    "hrnet-w48": ({}, 5),
    "efficientnet-lite0": ({}, 8),
    "vitpose": (VITPOSE, 4),
}


def depth_of_use(net: Any) -> list[int]:
    """`stages_above` of the modules that hold parameters, in the order in which they first ran."""
    used: list[int] = []

    def note(name: str) -> Any:
        return lambda *_: used.append(net.stages_above(name))

    for name, module in net.named_modules():
        own = [key for key, _ in module.named_parameters(recurse=False)]
        if own:
            module.register_forward_hook(note(f"{name}.{own[0]}"))
    with torch.no_grad():
        net.eval()(torch.zeros(1, 3, 64, 64))
    return used


@pytest.mark.parametrize("head", ["simcc", "heatmap"])
@pytest.mark.parametrize("name", NETWORKS)
def test_depth_falls_on_the_way_from_the_image_to_the_answer(name: str, head: str) -> None:
    if name in ("hrnet-w32", "hrnet-w48"):  # as W18; only the names matter
        with torch.device("meta"):
            net = build_network(name, Layout(64, 64), head=head)
    else:
        net = build_network(name, Layout(64, 64), head=head, kwargs=CASES[name][0])
        used = depth_of_use(net)
        assert all(first >= second for first, second in pairwise(used))
        assert (used[0], used[-1]) == (CASES[name][1], 0)
    depths = {net.stages_above(tensor) for tensor, _ in net.named_parameters()}
    assert depths == set(range(CASES[name][1] + 1))


def test_a_tensor_in_no_stage_is_a_fault_of_the_network() -> None:
    net = build_network("residual", Layout(64, 64))
    net.forgotten = nn.Linear(2, 2)
    with pytest.raises(LookupError, match=r"forgotten\.weight lies in 0 stages"):
        net.stages_above("forgotten.weight")


def test_the_small_efficientnet_has_fewer_stages() -> None:
    net = build_network("efficientnet-lite0", Layout(64, 64), kwargs={"stride": 16})
    assert len(net.stages()) == 6
    assert {net.stages_above(tensor) for tensor, _ in net.named_parameters()} == set(range(7))
