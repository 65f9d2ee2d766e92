"""The gated attention unit and RTMPose's head, against float64 numpy written after the papers."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from scipy.special import expit
from torch import nn

from dataengine.errors import ParamsError
from dataengine.inference.exported import INPUT, ONNX_FP32
from dataengine.inference.running.decoders import decoder_of
from dataengine.inference.running.predict import onnx_runner
from dataengine.nets.checkpoint import ModelMeta, load_checkpoint, save_checkpoint
from dataengine.nets.gated_attention import KEY_SIZE, GatedAttention, ScaleNorm
from dataengine.train.deploy.onnx_files import write_fp32
from dataengine.train.deploy.quantise import write_int8

META = ModelMeta(
    "residual", {"channels": [8, 8], "blocks": [1, 1], "hidden": 24, "sharpness": 5.0}, 32, 48, head="rtmcc"
)


def numbers(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().double().numpy()


def scale_norm(x: np.ndarray, gain: float = 1.0) -> np.ndarray:
    return x / np.sqrt((x**2).mean(axis=-1, keepdims=True)) * gain


def attend(unit: GatedAttention, x: np.ndarray) -> np.ndarray:
    """Equations 1 and 2 of RTMPose, one joint at a time."""
    mixed = scale_norm(x, unit.norm.gain.item()) @ numbers(unit.to_gate_value_key.weight).T
    mixed = mixed * expit(mixed)
    u, v, z = mixed[:, : unit.wide], mixed[:, unit.wide : 2 * unit.wide], mixed[:, 2 * unit.wide :]
    (q, k) = (z * numbers(unit.stretch)[i] + numbers(unit.offset)[i] for i in (0, 1))
    out = np.empty_like(x)
    for joint in range(len(x)):
        weight = np.maximum(k @ q[joint] / np.sqrt(KEY_SIZE), 0) ** 2
        gated = u[joint] * (weight[:, None] * v).sum(axis=0)
        out[joint] = x[joint] * numbers(unit.shortcut) + numbers(unit.to_token.weight) @ gated
    return out


def test_the_unit_is_that_of_the_papers() -> None:
    torch.manual_seed(0)
    unit, tokens = GatedAttention(24), torch.randn(3, 17, 24)
    with torch.no_grad():
        unit.norm.gain.fill_(1.3)
        unit.shortcut.uniform_()
    expected = np.stack([attend(unit, numbers(person)) for person in tokens])
    np.testing.assert_allclose(numbers(unit(tokens)), expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(numbers(ScaleNorm(24)(tokens)), scale_norm(numbers(tokens)), rtol=1e-5)
    nothing = torch.zeros(1, 24, requires_grad=True)
    normed = ScaleNorm(24)(nothing)
    normed.sum().backward()
    assert normed.abs().max() == 0 and nothing.grad is not None and nothing.grad.isfinite().all()


def test_the_head_is_maps_tokens_attention_and_axes() -> None:
    torch.manual_seed(1)
    net = META.build().eval()
    images = torch.randn(2, 3, 48, 32)
    x, y = net(images)
    assert x.shape == (2, 17, 64) and y.shape == (2, 17, 96)
    maps = numbers(nn.functional.conv2d(net.features(images), net.wide_maps.weight, net.wide_maps.bias, padding=3))
    tokens = scale_norm(maps.reshape(2, 17, -1)) @ numbers(net.to_token.weight).T
    seen = np.stack([attend(net.attention, person) for person in tokens])
    np.testing.assert_allclose(numbers(y), 5 * seen @ numbers(net.token_to_y.weight).T, rtol=1e-3, atol=1e-3)
    net.wide_maps.weight.data[3] += 1
    assert (net(images)[0] - x)[:, 5].abs().max() > 1e-6, "a joint looks at the others"


def test_it_is_read_kept_and_exported_like_simcc(tmp_path: Path) -> None:
    torch.manual_seed(2)
    save_checkpoint(tmp_path, META.build(), META)
    net, meta = load_checkpoint(tmp_path)
    assert meta == META and meta.reader.describe() == {"kind": "simcc", "bins_per_px": 2}
    write_fp32(net, meta, tmp_path / ONNX_FP32)
    images = np.random.default_rng(0).normal(size=(3, 3, 48, 32)).astype(np.float32)
    with torch.no_grad():
        answer = net(torch.from_numpy(images))
    session = onnxruntime.InferenceSession(str(tmp_path / ONNX_FP32), providers=["CPUExecutionProvider"])
    for ours, theirs in zip(answer, session.run(None, {INPUT: images}), strict=True):
        np.testing.assert_allclose(numbers(ours), theirs, atol=2e-3)
    host = meta.reader.decode(meta.reader.distributions(tuple(tensor.numpy() for tensor in answer)))
    decoder = decoder_of(meta.reader, torch.device("cpu"))
    device = decoder.decode(decoder.distributions(answer))
    np.testing.assert_allclose(device.keypoints_px.numpy(), host.keypoints_px, atol=1e-6)
    np.testing.assert_allclose(device.confidence.numpy(), host.confidence, atol=1e-6)


@pytest.mark.parametrize("options", [{"hidden": 0}, {"sharpness": 0.0}, {"sharpness": float("inf")}])
def test_bad_options_are_named(options: dict[str, float]) -> None:
    with pytest.raises(ParamsError, match=f"network_kwargs {next(iter(options))}"):
        ModelMeta("residual", options, head="rtmcc").build()


def test_8_bits_find_the_same_places(tmp_path: Path) -> None:
    """FP32 and the INT8 file of ONNX Runtime on the crops that its ranges come from."""
    torch.manual_seed(3)
    net = META.build().eval()
    write_fp32(net, META, tmp_path / ONNX_FP32)
    images = np.random.default_rng(1).normal(size=(16, 3, 48, 32)).astype(np.float32)
    files = {"onnx_runtime": tmp_path / "ort.onnx", "tensorrt": tmp_path / "trt.onnx"}
    write_int8(tmp_path / ONNX_FP32, images, "minmax", **files)
    exact, rough = (onnx_runner(path)(images) for path in (tmp_path / ONNX_FP32, files["onnx_runtime"]))
    places = [META.reader.expected_px(tuple(map(torch.from_numpy, answer))) for answer in (exact, rough)]
    assert (places[0] - places[1]).abs().median() < 0.25
    correlation = np.corrcoef(exact[0].ravel(), rough[0].ravel())[0, 1]
    assert correlation > 0.99
