"""HRNet against the published model file's stage table: names, shapes, counts, and its data flow in plain functions."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from dataengine.errors import InputError, ParamsError
from dataengine.nets.layout import Layout
from dataengine.nets.table import build_network

COCO = Layout(192, 256)
SMALL = Layout(64, 64)
# STAGE2, STAGE3, STAGE4 of experiments/coco/hrnet/w32_256x192_adam_lr1e-3.yaml: NUM_MODULES, NUM_BRANCHES
STAGES = ((2, 1, 2), (3, 4, 3), (4, 3, 4))
NUM_BLOCKS = 4

Shapes = Iterator[tuple[str, tuple[int, ...]]]


def norm(name: str, channels: int) -> Shapes:
    for part in ("weight", "bias", "running_mean", "running_var"):
        yield f"{name}.{part}", (channels,)
    yield f"{name}.num_batches_tracked", ()


def conv_norm(conv: str, bn: str, shape: tuple[int, int, int]) -> Shapes:
    out, inward, kernel = shape
    yield f"{conv}.weight", (out, inward, kernel, kernel)
    yield from norm(bn, out)


def pair(name: str, shape: tuple[int, int, int]) -> Shapes:
    return conv_norm(f"{name}.0", f"{name}.1", shape)


def published_names(width: int) -> Shapes:
    """Every tensor of ``pose_hrnet_w<width>_256x192.pth``."""
    yield from conv_norm("conv1", "bn1", (64, 3, 3))
    yield from conv_norm("conv2", "bn2", (64, 64, 3))
    for block in range(4):
        name = f"layer1.{block}"
        yield from conv_norm(f"{name}.conv1", f"{name}.bn1", (64, 64 if block == 0 else 256, 1))
        yield from conv_norm(f"{name}.conv2", f"{name}.bn2", (64, 64, 3))
        yield from conv_norm(f"{name}.conv3", f"{name}.bn3", (256, 64, 1))
    yield from pair("layer1.0.downsample", (256, 64, 1))
    yield from pair("transition1.0", (width, 256, 3))
    yield from pair("transition1.1.0", (2 * width, 256, 3))
    yield from pair("transition2.2.0", (4 * width, 2 * width, 3))
    yield from pair("transition3.3.0", (8 * width, 4 * width, 3))
    for stage, modules, branches in STAGES:
        widths = [width * 2**i for i in range(branches)]
        for module in range(modules):
            name = f"stage{stage}.{module}"
            for i, own in enumerate(widths):
                for block in range(NUM_BLOCKS):
                    inner = f"{name}.branches.{i}.{block}"
                    yield from conv_norm(f"{inner}.conv1", f"{inner}.bn1", (own, own, 3))
                    yield from conv_norm(f"{inner}.conv2", f"{inner}.bn2", (own, own, 3))
            is_last = stage == 4 and module == modules - 1
            for i in range(1 if is_last else branches):
                for j in range(branches):
                    fuse = f"{name}.fuse_layers.{i}.{j}"
                    if j > i:
                        yield from pair(fuse, (widths[i], widths[j], 1))
                    for k in range(i - j):
                        out = widths[i] if k == i - j - 1 else widths[j]
                        yield from pair(f"{fuse}.{k}", (out, widths[j], 3))
    yield "final_layer.weight", (17, width, 1, 1)
    yield "final_layer.bias", (17,)


@pytest.mark.parametrize("width", [18, 32, 48])
def test_tensors_have_the_published_names_and_shapes(width: int) -> None:
    with torch.device("meta"):
        net = build_network(f"hrnet-w{width}", COCO, head="heatmap")
    ours = {name: tuple(tensor.shape) for name, tensor in net.state_dict().items()}
    assert ours == dict(published_names(width))


@pytest.mark.parametrize(
    ("name", "parameters_m", "published_gflops"), [("hrnet-w32", 28.5, 7.10), ("hrnet-w48", 63.6, 14.6)]
)
def test_size_and_work_are_the_published_ones(name: str, parameters_m: float, published_gflops: float) -> None:
    """Table 1 of the paper. Its tool counts multiplications with additions as one, in units of 2^30."""
    with torch.device("meta"):
        net = build_network(name, COCO, head="heatmap").eval()
        with FlopCounterMode(display=False) as counter:
            net(torch.zeros(1, 3, 256, 192))
    assert sum(p.numel() for p in net.parameters()) / 1e6 == pytest.approx(parameters_m, abs=0.05)
    assert counter.get_total_flops() / 2 / 2**30 == pytest.approx(published_gflops, abs=0.05)


class Reference:
    """The published forward pass, spelled out over tensors by name."""

    def __init__(self, tensors: dict[str, Tensor]) -> None:
        self.t = tensors

    def cbn(self, x: Tensor, conv: str, bn: str, stride: int = 1) -> Tensor:
        weight = self.t[f"{conv}.weight"]
        x = F.conv2d(x, weight, None, stride, weight.shape[-1] // 2)
        mean, variance, scale, shift = (
            self.t[f"{bn}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
        )
        return F.batch_norm(x, mean, variance, scale, shift, eps=1e-5)

    def two(self, x: Tensor, name: str, stride: int = 1) -> Tensor:
        return self.cbn(x, f"{name}.0", f"{name}.1", stride)

    def bottleneck(self, x: Tensor, name: str) -> Tensor:
        y = F.relu(self.cbn(x, f"{name}.conv1", f"{name}.bn1"))
        y = F.relu(self.cbn(y, f"{name}.conv2", f"{name}.bn2"))
        y = self.cbn(y, f"{name}.conv3", f"{name}.bn3")
        return F.relu(y + (self.two(x, f"{name}.downsample") if f"{name}.downsample.0.weight" in self.t else x))

    def basic(self, x: Tensor, name: str) -> Tensor:
        y = F.relu(self.cbn(x, f"{name}.conv1", f"{name}.bn1"))
        return F.relu(self.cbn(y, f"{name}.conv2", f"{name}.bn2") + x)

    def fuse(self, x: list[Tensor], name: str, i: int) -> Tensor:
        total = torch.zeros_like(x[i])
        for j, y in enumerate(x):
            for k in range(i - j):
                y = self.two(y, f"{name}.{i}.{j}.{k}", stride=2)
                y = F.relu(y) if k < i - j - 1 else y
            if j > i:
                y = F.interpolate(self.two(y, f"{name}.{i}.{j}"), scale_factor=2 ** (j - i), mode="nearest")
            total = total + y
        return F.relu(total)

    def __call__(self, x: Tensor) -> Tensor:
        for i in (1, 2):
            x = F.relu(self.cbn(x, f"conv{i}", f"bn{i}", stride=2))
        for block in range(4):
            x = self.bottleneck(x, f"layer1.{block}")
        xs = [F.relu(self.two(x, "transition1.0")), F.relu(self.two(x, "transition1.1.0", stride=2))]
        for stage, modules, branches in STAGES:
            if len(xs) < branches:
                xs.append(F.relu(self.two(xs[-1], f"transition{stage - 1}.{branches - 1}.0", stride=2)))
            for module in range(modules):
                for i in range(branches):
                    for block in range(NUM_BLOCKS):
                        xs[i] = self.basic(xs[i], f"stage{stage}.{module}.branches.{i}.{block}")
                outputs = 1 if (stage, module) == (4, 2) else branches
                xs = [self.fuse(xs, f"stage{stage}.{module}.fuse_layers", i) for i in range(outputs)]
        return F.conv2d(xs[0], self.t["final_layer.weight"], self.t["final_layer.bias"])


def random_weights(width: int, seed: int = 0) -> dict[str, Tensor]:
    """What a published file looks like, with numbers that neither vanish nor explode on their way."""
    generator = torch.Generator().manual_seed(seed)
    weights = {}
    for name, shape in published_names(width):
        tensor = torch.randn(shape, generator=generator)
        if len(shape) == 4:
            tensor = tensor * (2 / (shape[1] * shape[2] * shape[3])) ** 0.5
        elif name.endswith("running_var"):
            tensor = tensor.abs() + 0.5
        elif name.endswith("num_batches_tracked"):
            tensor = torch.tensor(5)
        else:
            tensor = tensor * 0.1 + (0.7 if name.endswith("weight") else 0.0)
        weights[name] = tensor
    return weights


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file as a user would download it."""
    path = tmp_path_factory.mktemp("weights") / "pose_hrnet_w18_64x64.pth"
    torch.save(random_weights(18), path)
    return path


def test_a_published_file_loads_strictly_and_answers_as_the_published_network(published: Path) -> None:
    net = build_network("hrnet-w18", SMALL, head="heatmap")
    net.take_pretrained(str(published))
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1)).double()
    weights = {name: t.double() if t.is_floating_point() else t for name, t in random_weights(18).items()}
    expected = Reference(weights)(images)
    assert expected.std() > 1e-3
    with torch.no_grad():
        torch.testing.assert_close(net.double().eval()(images)[0], expected, rtol=1e-9, atol=1e-9)


def test_a_file_with_one_tensor_more_less_or_misshapen_is_refused(published: Path, tmp_path: Path) -> None:
    net = build_network("hrnet-w18", SMALL, head="heatmap")
    path = tmp_path / "changed.pth"
    for change, fault in (
        ({"stage9.weight": torch.zeros(1)}, "got tensor stage9.weight"),
        ({"stage2.0.branches.0.0.conv1.weight": torch.zeros(18, 18, 1, 1)}, r"wrong shape.*\(18, 18, 3, 3\)"),
    ):
        torch.save({**random_weights(18), **change}, path)
        with pytest.raises(InputError, match=fault):
            net.take_pretrained(str(path))
    torch.save({name: t for name, t in random_weights(18).items() if name != "bn1.bias"}, path)
    with pytest.raises(InputError, match=r"expected tensor bn1\.bias"):
        net.take_pretrained(str(path))


def test_another_head_and_imagenet_files_take_the_backbone_and_keep_the_head(published: Path, tmp_path: Path) -> None:
    net = build_network("hrnet-w18", SMALL)
    before = net.state_dict()["to_x.weight"].clone()
    net.take_pretrained(str(published))
    assert torch.equal(net.state_dict()["to_x.weight"], before)
    assert torch.equal(net.state_dict()["conv1.weight"], random_weights(18)["conv1.weight"])
    imagenet = {name: t for name, t in random_weights(18, seed=3).items() if not name.startswith("final_layer")}
    extra = ("final_layer.0.weight", "classifier.weight", "incre_modules.0.0.conv1.weight", "downsamp_modules.0.0.bias")
    imagenet |= {name: torch.zeros(2) for name in (*extra, "stage4.2.fuse_layers.2.0.0.0.weight")}
    torch.save({"state_dict": {f"module.{name}": t for name, t in imagenet.items()}}, tmp_path / "imagenet.pth")
    net.take_pretrained(str(tmp_path / "imagenet.pth"))
    assert torch.equal(net.state_dict()["conv1.weight"], imagenet["conv1.weight"])


def test_an_input_that_does_not_divide_is_refused() -> None:
    with pytest.raises(ParamsError, match="multiples of 32"):
        build_network("hrnet-w18", Layout(48, 64))
