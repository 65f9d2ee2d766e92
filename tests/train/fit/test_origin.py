"""What `start_from: starter` gives: everything, a backbone, or nothing, by the network that is to be fitted."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from dataengine import starter
from dataengine.errors import InputError
from dataengine.files import read_json, sha256_file
from dataengine.nets.checkpoint import META_NAME, WEIGHTS_NAME, load_checkpoint
from dataengine.nets.learnt_pictures import LEARNT_NAME, read_learnt_pictures
from dataengine.nets.network import KeypointNetwork
from dataengine.params import load_section
from dataengine.train.fit.origin import take_starter
from dataengine.train.fit.params import BASE, FitParams
from dataengine.train.fit.start import first_network, model_meta, settled, with_taught

from ...helpers.fitting_project import TINY, fit_here, one_torch_thread, write_project

BEGUN = replace(TINY, epochs=1, start_from="starter")


@pytest.fixture
def own_starter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KeypointNetwork]:
    """A tiny network as the starter, not the one that ships."""
    monkeypatch.chdir(tmp_path)
    write_project()
    with one_torch_thread():
        fit_here(replace(TINY, epochs=1, seed=9), "models/starter")
        monkeypatch.setattr(starter, "FOLDER", tmp_path / "models/starter")
        yield load_checkpoint(tmp_path / "models/starter")[0]


def settle(params: FitParams) -> FitParams:
    return settled(params, Path("params.yaml"), "fit-teacher")


def test_the_same_network_takes_everything(own_starter: KeypointNetwork, capsys: pytest.CaptureFixture[str]) -> None:
    params = settle(BEGUN)
    assert params == BEGUN and capsys.readouterr().err == ""
    begun = first_network(params, model_meta(params)).state_dict()
    assert all(torch.equal(begun[name], tensor) for name, tensor in own_starter.state_dict().items())
    fit_here(params, "models/on")
    learnt = read_learnt_pictures(Path("models/on"))
    assert learnt is not None and learnt >= (read_learnt_pictures(starter.FOLDER) or frozenset())
    assert load_checkpoint(Path("models/on"))[1].lineage["params"]["start_from"] == "starter"


def test_where_the_package_lies_changes_nothing(
    own_starter: KeypointNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit_here(BEGUN, "models/here")
    shutil.copytree(starter.FOLDER, tmp_path / "elsewhere")
    monkeypatch.setattr(starter, "FOLDER", tmp_path / "elsewhere")
    fit_here(BEGUN, "models/there")
    here, there = (load_checkpoint(Path(folder))[1].lineage for folder in ("models/here", "models/there"))
    assert here["data_sha256"] == there["data_sha256"]
    fit_here(replace(TINY, epochs=1, seed=10), "models/starter")
    monkeypatch.setattr(starter, "FOLDER", tmp_path / "models/starter")
    fit_here(BEGUN, "models/other")
    assert load_checkpoint(Path("models/other"))[1].lineage["data_sha256"] != here["data_sha256"], "other weights"


@pytest.mark.parametrize(
    "other", [{"head": "heatmap", "network_kwargs": {"channels": [16, 32], "blocks": [1, 1]}}, {"input_width_px": 48}]
)
def test_another_head_or_crop_takes_the_backbone(
    own_starter: KeypointNetwork, capsys: pytest.CaptureFixture[str], other: dict[str, Any]
) -> None:
    params = settle(replace(BEGUN, losses={"heatmap_mse": 1.0} if "head" in other else BEGUN.losses, **other))
    assert params.start_from == "starter"
    assert (
        "begins with the starter's backbone; what is of another shape in the head begins at random"
        in capsys.readouterr().err
    )
    meta = model_meta(params)
    net = first_network(params, meta)
    fresh = first_network(replace(params, start_from=None), meta).state_dict()
    for name, tensor in net.state_dict().items():
        if name.split(".")[0] not in net.head_layers:
            assert torch.equal(tensor, own_starter.state_dict()[name])
    assert all(torch.equal(net.state_dict()[n], fresh[n]) for n in fresh if n.startswith(("to_x", "deconv", "maps")))
    nobody = np.zeros(17, dtype=bool)
    assert not with_taught(meta, params, nobody).taught, "a fresh head knows no joint"
    assert len(with_taught(model_meta(BEGUN), BEGUN, nobody).taught) > 0


def test_what_a_head_says_besides_comes_on_top(
    own_starter: KeypointNetwork, capsys: pytest.CaptureFixture[str]
) -> None:
    besides: dict[str, Any] = {
        "network_kwargs": {**BEGUN.network_kwargs, "spread": True, "presence": True},
        "losses": {"simcc_mle": 1.0, "presence": 0.1},
    }
    params = settle(replace(BEGUN, **besides))
    assert params.start_from == "starter" and capsys.readouterr().err == ""
    meta = model_meta(params)
    assert with_taught(meta, params, np.zeros(17, dtype=bool)).taught, "it keeps the starter's head"
    first = first_network(params, meta).state_dict()
    assert all(torch.equal(first[name], tensor) for name, tensor in own_starter.state_dict().items())
    fit_here(params, "models/says")
    for origin, more in (("models/starter", besides), ("models/says", {})):  # either way round
        other = replace(TINY, start_from=origin, **more)
        weights = load_checkpoint(Path(origin))[0].state_dict()
        begun = first_network(other, model_meta(other)).state_dict()
        assert all(torch.equal(weights[name], begun[name]) for name in weights.keys() & begun.keys())
        assert len(weights.keys() ^ begun.keys()) == 4


def test_another_backbone_begins_at_random(own_starter: KeypointNetwork, capsys: pytest.CaptureFixture[str]) -> None:
    other = replace(BEGUN, network_kwargs={"channels": [24, 32], "blocks": [1, 1]})
    assert settle(other).start_from is None
    assert "fit-teacher: begins with random weights; the starter is for residual" in capsys.readouterr().err
    with pytest.raises(InputError, match="the starter"):
        take_starter(first_network(replace(other, start_from=None), model_meta(other)))


def test_published_weights_come_before_the_starter(
    own_starter: KeypointNetwork, capsys: pytest.CaptureFixture[str]
) -> None:
    params = settle(replace(BEGUN, pretrained=str(starter.FOLDER / WEIGHTS_NAME)))
    assert params.start_from is None and params.pretrained
    assert "begins with the published weights" in capsys.readouterr().err


def test_the_starter_that_ships(repository: Path) -> None:
    for section in ("fit-teacher", "fit-student"):
        path = repository / "params.yaml"
        keys = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert keys[section]["start_from"] == "starter"
    params = load_section(path, "fit-teacher", FitParams, base=BASE)
    net, meta = load_checkpoint(starter.FOLDER)
    begun = first_network(params, model_meta(params)).state_dict()
    assert all(torch.equal(begun[name], tensor) for name, tensor in net.state_dict().items()), "the default network's"
    assert meta.lineage["stage"] == "make-starter" and len(meta.taught) == 17
    files = {path.name: path for path in starter.FOLDER.iterdir() if path.is_file()}
    assert {WEIGHTS_NAME, META_NAME, LEARNT_NAME, "CARD.md"} <= set(files)
    assert sum(path.stat().st_size for path in files.values()) < 10e6
    assert read_json(files[META_NAME])["weights_sha256"] == sha256_file(files[WEIGHTS_NAME])
    assert read_learnt_pictures(starter.FOLDER)
