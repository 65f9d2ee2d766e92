"""A network on its device: fixed batches, precision, memory that is used again. What needs CUDA is marked."""

from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dataengine.errors import EnvironmentFault
from dataengine.hardware.dtypes import DTYPES
from dataengine.inference.running.cuda_graphs import WARM_UP_RUNS, Bucket, HostCopies, bucket_for, buckets_for
from dataengine.inference.running.device_reading import cast_weights
from dataengine.inference.running.predict import (
    Prediction,
    predict_both_ways,
    predict_crops,
    predict_people,
    torch_runner,
)
from dataengine.inference.running.sessions import Answer, Asked
from dataengine.inference.running.torch_session import TorchSession
from dataengine.nets.checkpoint import ModelMeta
from dataengine.nets.layout import Decoded

from ..crowds import crowd

META = ModelMeta("residual", {"channels": [8, 8], "blocks": [1, 1]}, input_width_px=32, input_height_px=32)
CPU = torch.device("cpu")
EVERYTHING = Asked(("plain", "mirrored", "averaged"), features=True)
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device: PyTorch sees none")


def network(meta: ModelMeta = META) -> nn.Module:
    torch.manual_seed(0)
    return meta.build().eval()


def some_crops(n: int, seed: int = 0, meta: ModelMeta = META) -> NDArray[np.uint8]:
    shape = (n, meta.input_height_px, meta.input_width_px, 3)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def session(dtype: torch.dtype = torch.float32, in_buckets: bool | None = None, batch: int = 4) -> TorchSession:
    net = network()
    cast = net if dtype == torch.float32 else cast_weights(net, dtype)
    return TorchSession(cast, net, META, EVERYTHING, batch, CPU, dtype, in_buckets=in_buckets)


def assert_same(got: Answer, expected: Answer, tolerance: float = 1e-5) -> None:
    for one, other in zip(got.views, expected.views, strict=True):
        np.testing.assert_allclose(one.keypoints_px, other.keypoints_px, atol=tolerance)
        np.testing.assert_allclose(one.confidence, other.confidence, atol=tolerance)
        np.testing.assert_allclose(one.spread_px, other.spread_px, atol=tolerance)
        np.testing.assert_allclose(one.entropy, other.entropy, atol=tolerance)
    assert got.features is not None
    assert expected.features is not None
    np.testing.assert_allclose(got.features, expected.features, atol=tolerance)


def test_buckets_hold_one_crop_and_the_full_batch() -> None:
    assert buckets_for(64) == (1, 64)
    assert buckets_for(1) == (1,)
    assert [bucket_for(count, (1, 64)) for count in (1, 2, 63, 64)] == [1, 64, 64, 64]


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_a_padded_batch_says_the_same(count: int) -> None:
    padded, plain = session(in_buckets=True), session()
    padded.submit(some_crops(4, seed=9))()  # what stays behind in the bucket must not be seen
    crops = some_crops(count)
    answer = padded.submit(crops)()
    assert len(answer.views[0].confidence) == count
    assert_same(answer, plain.submit(crops)())


def test_an_answer_is_not_overwritten_by_the_next_batches() -> None:
    padded = session(in_buckets=True)
    first = padded.submit(some_crops(4))()
    kept = first.views[0].keypoints_px.copy()
    for seed in (1, 2, 3):
        padded.submit(some_crops(4, seed))()
    np.testing.assert_array_equal(first.views[0].keypoints_px, kept)


def test_a_bucket_answers_for_all_its_rows_and_is_never_captured_on_a_cpu() -> None:
    bucket = Bucket(lambda crops: (crops.sum(dim=(1, 2, 3)),), (2, 2, 3), 3, CPU)
    for _ in range(WARM_UP_RUNS + 2):
        (got,) = bucket.run(torch.ones(2, 2, 2, 3, dtype=torch.uint8))
    assert got.tolist() == [12, 12, 0]
    assert not bucket.is_captured


def test_a_capture_that_fails_is_said_once_and_the_network_runs_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Stream:
        def synchronize(self) -> None:
            """Nothing is under way."""

    def refuses(*_: object, **__: object) -> None:
        raise RuntimeError("operation not permitted when stream is capturing\nand more")

    bucket = Bucket(lambda crops: (crops.float().mean(dim=(1, 2, 3)),), (2, 2, 3), 2, CPU)
    monkeypatch.setattr(bucket, "_may_capture", True)
    monkeypatch.setattr(torch.cuda, "CUDAGraph", lambda: None)
    monkeypatch.setattr(torch.cuda, "current_stream", Stream)
    monkeypatch.setattr(torch.cuda, "graph", refuses)
    for value in range(WARM_UP_RUNS + 3):
        (got,) = bucket.run(torch.full((2, 2, 2, 3), value, dtype=torch.uint8))
        assert got.tolist() == [value, value]
    said = capsys.readouterr().err
    assert said == "no CUDA graph of this network, going on without: operation not permitted when stream is capturing\n"


def test_copies_on_the_host_take_turns_and_follow_shapes() -> None:
    copies = HostCopies(2)
    first, second, third = (copies.take((torch.full((2,), float(i)),)) for i in range(3))
    assert (first[0].tolist(), second[0].tolist(), third[0].tolist()) == ([2, 2], [1, 1], [2, 2])
    assert third[0].data_ptr() == first[0].data_ptr()
    assert copies.take((torch.zeros(5),))[0].shape == (5,)


def test_lower_precision_is_near_and_leaves_the_network_alone() -> None:
    net = network()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    crops, matrices = some_crops(6), np.tile(np.eye(2, 3), (6, 1, 1))
    full = predict_crops(torch_runner(net), META, crops, matrices)
    low = predict_crops(torch_runner(net, precision="bf16"), META, crops, matrices)
    np.testing.assert_allclose(low.entropy, full.entropy, atol=0.01)
    assert not np.array_equal(low.entropy, full.entropy)
    for name, tensor in net.state_dict().items():
        assert tensor.dtype == before[name].dtype
        assert torch.equal(tensor, before[name])


class Loud(nn.Module):
    """A network whose answer leaves FP16's range where a crop is bright."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(1, 64, bias=False)
        nn.init.constant_(self.layer.weight, 3e4)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        logits = self.layer(images.mean(dim=(1, 2, 3))[:, None, None].expand(-1, 17, 1))
        return logits, logits


def test_what_overflows_is_read_again_in_full_precision(capsys: pytest.CaptureFixture[str]) -> None:
    net = Loud().eval()
    crops = np.zeros((3, 32, 32, 3), np.uint8)
    crops[1] = 255
    asked = Asked(("plain",))
    low = TorchSession(cast_weights(net, torch.float16), net, META, asked, 4, CPU, torch.float16)
    full = TorchSession(net, net, META, asked, 4, CPU, torch.float32)
    assert np.finfo(np.float16).max < 3e4 * 2.5  # white is about 2.5 once normalised
    for _ in range(2):
        got = low.submit(crops)().views[0]
        np.testing.assert_allclose(got.entropy, full.submit(crops)().views[0].entropy)
    assert capsys.readouterr().err.count("overflow") == 1


def test_a_runner_keeps_its_sessions() -> None:
    runner = torch_runner(network())
    asked = Asked(("plain",))
    assert runner.session(META, asked, 8) is runner.session(META, asked, 8)
    assert runner.session(META, asked, 8) is not runner.session(META, Asked(("mirrored",)), 8)


def test_weights_that_change_later_count() -> None:
    net = network()
    runner = torch_runner(net)
    crops, matrices = some_crops(2), np.tile(np.eye(2, 3), (2, 1, 1))
    before = predict_crops(runner, META, crops, matrices)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.5)
    assert not np.array_equal(predict_crops(runner, META, crops, matrices).entropy, before.entropy)


def test_features_of_a_bare_module_are_refused() -> None:
    with pytest.raises(EnvironmentFault, match="gives no embeddings"):
        torch_runner(Loud()).session(META, Asked(features=True), 4)


def lively(meta: ModelMeta) -> nn.Module:
    """A network whose peaks stand out, so that a last bit does not move them."""
    net = network(meta)
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.normal_(layer.weight, std=1.5 / layer.weight[0].numel() ** 0.5)
    return net


def assert_near(got: Prediction | Decoded, expected: Prediction | Decoded, places_px: float = 0.1) -> None:
    """Within what other kernels and TF32 change: all entropies, and all places but those of two equal peaks."""
    np.testing.assert_allclose(got.entropy, expected.entropy, atol=0.01)
    distance = np.linalg.norm(got.keypoints_px - expected.keypoints_px, axis=2)
    assert np.quantile(distance, 0.95) < places_px


@pytest.mark.gpu
@needs_cuda
@pytest.mark.parametrize("head", ["simcc", "heatmap"])
@pytest.mark.parametrize("precision", ["fp32", "fp16", "bf16"])
def test_a_replayed_graph_says_what_the_eager_network_says(head: str, precision: str) -> None:
    meta = ModelMeta("hrnet-w18", input_width_px=64, input_height_px=64, head=head)
    net, device, dtype = lively(meta).cuda(), torch.device("cuda", torch.cuda.current_device()), DTYPES[precision]
    cast = net if dtype == torch.float32 else cast_weights(net, dtype)
    graphed = TorchSession(cast, net, meta, EVERYTHING, 8, device, dtype)
    eager = TorchSession(cast, net, meta, EVERYTHING, 8, device, dtype, in_buckets=False)
    for seed in range(WARM_UP_RUNS + 3):
        crops = some_crops(8, seed, meta)
        got, expected = graphed.submit(crops)(), eager.submit(crops)()
        for one, other in zip(got.views, expected.views, strict=True):
            assert_near(one, other, 0.01)
        assert got.features is not None
        assert expected.features is not None
        np.testing.assert_allclose(got.features, expected.features, rtol=1e-3, atol=1e-3)
    assert graphed._buckets[8].is_captured


@pytest.mark.gpu
@needs_cuda
@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_a_padded_last_batch_on_a_gpu(tmp_path: Path, precision: Literal["fp32", "fp16"]) -> None:
    people, images = crowd(tmp_path, [i // 3 for i in range(8 * (WARM_UP_RUNS + 2) + 3)])
    expected = predict_both_ways(torch_runner(lively(META)), META, people, images, features=True, batch=8)
    runner = torch_runner(lively(META), device="cuda", precision=precision)
    got = predict_both_ways(runner, META, people, images, features=True, batch=8)
    assert_near(got.plain, expected.plain)
    assert_near(got.mirrored, expected.mirrored)
    np.testing.assert_allclose(got.features, expected.features, rtol=0.02, atol=0.01)


@pytest.mark.gpu
@needs_cuda
def test_a_network_that_cannot_be_captured_goes_on_without(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class Asking(nn.Module):
        """Waits for the GPU in the middle, which no graph can hold."""

        def __init__(self) -> None:
            super().__init__()
            self.net = lively(META)

        def forward(self, images: Tensor) -> tuple[Tensor, ...]:
            answer: tuple[Tensor, ...] = self.net(images * float(images.isfinite().all().item()))
            return answer

    people, images = crowd(tmp_path, list(range(4 * (WARM_UP_RUNS + 3))))
    expected = predict_people(torch_runner(lively(META)), META, people, images, batch=4)
    got = predict_people(torch_runner(Asking().eval(), device="cuda"), META, people, images, batch=4)
    assert_near(got, expected)
    assert capsys.readouterr().err.count("no CUDA graph of this network") == 1
