"""Weight files from strangers."""

import os
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from dataengine.errors import InputError
from dataengine.nets.weights import read_weights, take_weights


class Bomb:
    """Runs a command when unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


def test_a_pickle_that_would_run_code_does_not(tmp_path: Path) -> None:
    for name, write in (("torch.pth", torch.save), ("plain.pth", lambda o, p: p.write_bytes(pickle.dumps(o)))):
        write({"conv1.weight": Bomb(tmp_path / "owned")}, tmp_path / name)
        with pytest.raises(InputError, match="is not a file of weights"):
            read_weights(tmp_path / name)
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04half a zip", b"\x80\x02}q\x00.", b"not weights at all" * 99, b"hello, world"]
)
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_broken_files_are_one_line(tmp_path: Path, content: bytes, suffix: str) -> None:
    path = tmp_path / f"weights{suffix}"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        take_weights(torch.nn.Linear(2, 2), read_weights(path), path)
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="does not exist"):
        read_weights(tmp_path / "nothing.pth")


def test_other_content_than_tensors_is_refused(tmp_path: Path) -> None:
    for record in ([torch.zeros(2)], {"epoch": 3}, torch.zeros(3)):
        torch.save(record, tmp_path / "a.pth")
        with pytest.raises(InputError, match="expected tensors by name"):
            read_weights(tmp_path / "a.pth")


def test_wrappers_and_prefixes_are_taken_off(tmp_path: Path) -> None:
    weights = {"weight": torch.ones(2, 2), "bias": torch.zeros(2)}
    torch.save({"epoch": 7, "state_dict": {f"module.{k}": v for k, v in weights.items()}}, tmp_path / "a.pth")
    save_file(weights, tmp_path / "b.safetensors")
    for name in ("a.pth", "b.safetensors"):
        net = torch.nn.Linear(2, 2)
        take_weights(net, read_weights(tmp_path / name), name)
        assert torch.equal(net.weight.detach(), weights["weight"])


def test_a_head_for_other_joints_is_left_as_it_is() -> None:
    net = torch.nn.ModuleDict({"body": torch.nn.Linear(2, 2), "final": torch.nn.Linear(2, 17)})
    before = net["final"].weight.clone()
    weights = {"body.weight": torch.ones(2, 2), "body.bias": torch.ones(2)}
    weights |= {"final.weight": torch.ones(16, 2), "final.bias": torch.ones(16)}
    take_weights(net, weights, "file", optional={"final"})
    assert torch.equal(net["final"].weight, before)
    assert torch.equal(net["body"].weight.detach(), weights["body.weight"])
    with pytest.raises(InputError, match="wrong shape"):
        take_weights(net, weights, "file")
