import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from dataengine.errors import InputError, ParamsError
from dataengine.files import sha256_file
from dataengine.nets.checkpoint import META_NAME, WEIGHTS_NAME, ModelMeta, load_checkpoint, save_checkpoint
from dataengine.nets.table import build_network

SMALL: dict[str, Any] = {"channels": [8, 8], "blocks": [1, 1], "maps_per_joint": 2}
META = ModelMeta("residual", SMALL, input_width_px=32, input_height_px=48, lineage={"stage": "test"})


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    save_checkpoint(tmp_path / "model", META.build(), META)
    return tmp_path / "model"


def reseal(folder: Path, weights: dict[str, torch.Tensor]) -> None:
    """Exchange the weights and correct the checksum, as a tool that knows the format would."""
    save_file(weights, folder / WEIGHTS_NAME)
    record = json.loads((folder / META_NAME).read_text())
    record["weights_sha256"] = sha256_file(folder / WEIGHTS_NAME)
    (folder / META_NAME).write_text(json.dumps(record))


def test_a_checkpoint_comes_back_the_same(saved: Path) -> None:
    torch.manual_seed(0)
    original = META.build()
    net, meta = load_checkpoint(saved)
    assert meta == META
    assert not net.training
    for name, tensor in original.state_dict().items():
        torch.testing.assert_close(net.state_dict()[name], tensor, check_dtype=False, rtol=0, atol=0)


def test_who_may_read_one_file_may_read_all(saved: Path) -> None:
    assert len({path.stat().st_mode for path in saved.iterdir()}) == 1


def test_a_changed_byte_is_noticed(saved: Path) -> None:
    content = bytearray((saved / WEIGHTS_NAME).read_bytes())
    content[-1] ^= 1
    (saved / WEIGHTS_NAME).write_bytes(content)
    with pytest.raises(InputError, match="is not the file that its metadata describe"):
        load_checkpoint(saved)


def test_a_pickle_in_place_of_the_weights_is_not_opened(saved: Path) -> None:
    torch.save({"a": 1}, saved / WEIGHTS_NAME)
    record = json.loads((saved / META_NAME).read_text())
    record["weights_sha256"] = sha256_file(saved / WEIGHTS_NAME)
    (saved / META_NAME).write_text(json.dumps(record))
    with pytest.raises(InputError, match="is not a safetensors file"):
        load_checkpoint(saved)


def test_misnamed_and_misshapen_tensors_are_named(saved: Path) -> None:
    weights = load_file(saved / WEIGHTS_NAME)
    reseal(saved, {("head.x" if name == "to_x.weight" else name): tensor for name, tensor in weights.items()})
    with pytest.raises(InputError, match=r"expected tensor to_x\.weight, got tensor head\.x"):
        load_checkpoint(saved)
    reseal(saved, {name: (tensor[:5] if name == "to_x.bias" else tensor) for name, tensor in weights.items()})
    with pytest.raises(InputError, match=r"to_x\.bias .* expected \(64,\), got \(5,\)"):
        load_checkpoint(saved)


def test_metadata_with_other_keys_and_missing_files_are_refused(saved: Path) -> None:
    record = json.loads((saved / META_NAME).read_text())
    (saved / META_NAME).write_text(json.dumps({**record, "surprise": 1}))
    with pytest.raises(InputError, match="surprise"):
        load_checkpoint(saved)
    (saved / META_NAME).write_text("{}")
    with pytest.raises(InputError, match="is not model metadata"):
        load_checkpoint(saved)
    with pytest.raises(InputError, match="does not exist"):
        load_checkpoint(saved.parent / "nowhere")


def test_the_default_network_is_small() -> None:
    assert sum(p.numel() for p in build_network("residual").parameters()) < 2_000_000


def test_unknown_networks_and_arguments_are_refused() -> None:
    with pytest.raises(ParamsError, match="residual"):
        build_network("resnet-900")
    with pytest.raises(ParamsError, match="colour"):
        build_network("residual", kwargs={"colour": "blue"})


def test_a_checkpoint_from_before_heads_still_loads(saved: Path) -> None:
    record = json.loads((saved / META_NAME).read_text())
    del record["head"]
    (saved / META_NAME).write_text(json.dumps({**record, "network": "residual-simcc"}))
    net, meta = load_checkpoint(saved)
    assert meta.head == "simcc"
    expected = load_file(saved / WEIGHTS_NAME)
    assert all(torch.equal(tensor.float(), expected[name]) for name, tensor in net.state_dict().items())
