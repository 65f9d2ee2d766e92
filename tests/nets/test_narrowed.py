from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from dataengine.errors import ParamsError
from dataengine.nets.checkpoint import ModelMeta, load_checkpoint, save_checkpoint
from dataengine.nets.narrowed import WIDTHS, narrow, widths_of

SMALL: dict[str, Any] = {"channels": [16, 24], "blocks": [1, 1]}


def meta_of(**kwargs: Any) -> ModelMeta:
    return ModelMeta("residual", {**SMALL, **kwargs}, input_width_px=32, input_height_px=32)


def test_narrow_layers_keep_the_first_channels() -> None:
    net = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Conv2d(8, 8, 3, groups=8), nn.ConvTranspose2d(8, 4, 2)
    )
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    narrow(net, {"0": [3, 5], "1": [5, 5], "2": [5, 5], "3": [5, 4]})
    assert torch.equal(net[0].weight, before["0.weight"][:5]) and torch.equal(net[0].bias, before["0.bias"][:5])
    assert torch.equal(net[2].weight, before["2.weight"][:5]) and torch.equal(net[3].weight, before["3.weight"][:5])
    assert net.eval()(torch.zeros(2, 3, 8, 8)).shape == (2, 4, 5, 5)


def test_a_narrow_checkpoint_is_read_as_it_was_written(tmp_path: Path) -> None:
    """A stem of 8 instead of 16 channels."""
    widths = {
        "backbone.0": [3, 8],
        "backbone.1": [8, 8],
        "backbone.3.body.0": [8, 16],
        "backbone.3.shortcut.0": [8, 16],
    }
    meta = meta_of(**{WIDTHS: widths})
    net = meta.build().eval()
    assert widths_of(net, meta_of().build()) == widths
    save_checkpoint(tmp_path, net, meta)
    again, read = load_checkpoint(tmp_path)
    images = torch.randn(1, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(again(images), net(images))
    assert read.network_kwargs == meta.network_kwargs


@pytest.mark.parametrize(
    ("widths", "says"),
    [
        ({"backbone.77": [3, 8]}, "not a layer"),
        ({"backbone": [3, 8]}, "not a layer"),
        ({"backbone.0": [3, 17]}, r"backbone\.0: expected 1 to \(3, 16\)"),
        ({"backbone.0": [3, 0]}, "expected 1 to"),
        ({"backbone.0": [3]}, "does not take these arguments"),
        ({"backbone.0": "ab"}, "does not take these arguments"),
    ],
)
def test_widths_that_do_not_fit_are_one_line(widths: Any, says: str) -> None:
    with pytest.raises(ParamsError, match=says):
        meta_of(**{WIDTHS: widths}).build()
