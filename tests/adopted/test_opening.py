"""Files from anywhere: what is not a pose network, or not safe to open, is refused in one line."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from dataengine.adopted import opening
from dataengine.adopted.opening import check_file, open_network
from dataengine.errors import InputError

FLOATS = TensorProto.FLOAT


def network(
    path: Path,
    *,
    shape: tuple[int | str, ...] = (1, 3, 8, 8),
    kind: int = FLOATS,
    operator: str = "Identity",
    domain: str = "",
    location: str = "",
    inner: str = "",
) -> Path:
    """A network of one node; `location` puts a weight into another file, `inner` is the domain of a node in an If."""
    nodes = [helper.make_node(operator, ["image"], ["out"], domain=domain)]
    weight = numpy_helper.from_array(np.zeros(4, dtype=np.float32), "weight")
    if location:
        weight.ClearField("raw_data")
        weight.data_location = TensorProto.EXTERNAL
        weight.external_data.add(key="location", value=location)
    if inner:
        branch = helper.make_graph(
            [helper.make_node(operator, ["image"], ["y"], domain=inner)],
            "branch",
            [],
            [helper.make_tensor_value_info("y", kind, None)],
        )
        nodes.append(helper.make_node("If", ["yes"], ["other"], then_branch=branch, else_branch=branch))
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("image", kind, shape)],
        [helper.make_tensor_value_info("out", kind, shape)],
        [weight, numpy_helper.from_array(np.array(True), "yes")],
    )
    imports = [helper.make_opsetid("", 17)] + [helper.make_opsetid(name, 1) for name in {domain, inner} - {""}]
    path.write_bytes(helper.make_model(graph, opset_imports=imports, ir_version=10).SerializeToString())
    return path


@pytest.mark.parametrize(
    ("shape", "kind", "layout", "size"),
    [
        ((1, 3, 8, 6), FLOATS, "NCHW", (8, 6)),
        (("n", 3, "h", "w"), TensorProto.FLOAT16, "NCHW", (None, None)),
        ((1, 8, 6, 3), TensorProto.INT32, "NHWC", (8, 6)),
        ((2, 8, 6, 3), TensorProto.UINT8, "NHWC", (8, 6)),
    ],
)
def test_the_input_is_read_off_the_graph(
    tmp_path: Path, shape: tuple[int | str, ...], kind: int, layout: str, size: tuple[int | None, int | None]
) -> None:
    image = open_network(network(tmp_path / "net.onnx", shape=shape, kind=kind)).image
    assert (image.layout, (image.height_px, image.width_px)) == (layout, size)
    assert image.batch == (shape[0] if isinstance(shape[0], int) else None)


def test_a_fixed_batch_is_filled_and_answered_once(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).uniform(0, 1, (1, 3, 8, 8)).astype(np.float32)
    answer = open_network(network(tmp_path / "net.onnx", shape=(4, 3, 8, 8))).run(pixels)
    np.testing.assert_array_equal(answer["out"], pixels)
    with pytest.raises(InputError, match="does not run"):
        open_network(tmp_path / "net.onnx").run(pixels[:, :, :4])


def test_what_is_no_network_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        open_network(tmp_path / "missing.onnx")
    (tmp_path / "pose.tflite").write_bytes(b"TFL3")
    with pytest.raises(InputError, match="is not an ONNX file"):
        open_network(tmp_path / "pose.tflite")
    (tmp_path / "text.onnx").write_text("not a model")
    with pytest.raises(InputError, match="is not"):
        open_network(tmp_path / "text.onnx")
    (tmp_path / "empty.onnx").write_bytes(b"")
    with pytest.raises(InputError, match="is not"):
        open_network(tmp_path / "empty.onnx")


@pytest.mark.parametrize("shape", [(1, 1, 8, 8), (1, 192), (1, 4, 8, 8)])
def test_what_takes_no_picture_is_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="does not take one picture"):
        open_network(network(tmp_path / "net.onnx", shape=shape))


def test_custom_operators_are_refused_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"custom operators: .*got evil.Run"):
        check_file(network(tmp_path / "a.onnx", operator="Run", domain="evil"))
    with pytest.raises(InputError, match=r"custom operators: .*got evil.Identity"):
        check_file(network(tmp_path / "b.onnx", inner="evil"))
    with pytest.raises(InputError, match="is not a valid ONNX model"):
        check_file(network(tmp_path / "c.onnx", operator="NoSuchOperator"))


@pytest.mark.parametrize("location", ["../weights.bin", "/etc/hostname", "sub/weights.bin", "link.bin", "missing.bin"])
def test_weights_elsewhere_are_refused(tmp_path: Path, location: str) -> None:
    folder = tmp_path / "model"
    (folder / "sub").mkdir(parents=True)
    for place in (tmp_path / "weights.bin", folder / "sub/weights.bin"):
        place.write_bytes(bytes(16))
    (folder / "link.bin").symlink_to(tmp_path / "weights.bin")
    with pytest.raises(InputError, match="has weights elsewhere"):
        open_network(network(folder / "net.onnx", location=location))


def test_weights_next_to_it_are_named(tmp_path: Path) -> None:
    (tmp_path / "weights.bin").write_bytes(bytes(16))
    path = network(tmp_path / "net.onnx", location="weights.bin")
    assert check_file(path) == ("weights.bin",)
    assert open_network(path).outputs == ("out",)


def test_a_file_beyond_the_limit_is_not_even_parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = network(tmp_path / "net.onnx")
    monkeypatch.setattr(opening, "LARGEST_BYTES", path.stat().st_size - 1)
    monkeypatch.setattr(onnx, "load", lambda *args, **kwargs: pytest.fail("it was parsed"))
    with pytest.raises(InputError, match="is too large"):
        open_network(path)
