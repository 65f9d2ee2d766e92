"""ViTPose by path, on a small random model written by transformers itself."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from dataengine.errors import EnvironmentFault, InputError, ParamsError
from dataengine.nets.checkpoint import ModelMeta, load_checkpoint, save_checkpoint
from dataengine.nets.layout import Layout
from dataengine.nets.table import architecture_of, build_network

transformers = pytest.importorskip("transformers")
LAYOUT = Layout(64, 96)


@pytest.fixture(scope="module", params=[True, False], ids=["simple decoder", "classic decoder"])
def published(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A folder as ``save_pretrained`` writes it, and the model in it."""
    torch.manual_seed(0)
    backbone = transformers.VitPoseBackboneConfig(
        hidden_size=24, num_hidden_layers=2, num_attention_heads=2, image_size=[96, 64], out_indices=[2]
    )
    config = transformers.VitPoseConfig(backbone_config=backbone, num_labels=17, use_simple_decoder=request.param)
    model = transformers.VitPoseForPoseEstimation(config).eval()
    for parameter in model.head.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    folder = tmp_path_factory.mktemp("vitpose")
    model.save_pretrained(folder)
    return folder, model


def test_it_answers_as_the_librarys_model(published: tuple[Path, Any]) -> None:
    folder, model = published
    kwargs = architecture_of("vitpose", str(folder))
    net = build_network("vitpose", LAYOUT, head="heatmap", kwargs=kwargs)
    net.take_pretrained(str(folder))
    assert net.state_dict().keys() == model.state_dict().keys()
    images = torch.randn(2, 3, 96, 64)
    with torch.no_grad():
        torch.testing.assert_close(net.eval()(images)[0], model(images).heatmaps)


def test_our_checkpoint_of_it_needs_the_folder_no_more(published: tuple[Path, Any], tmp_path: Path) -> None:
    folder, _ = published
    meta = ModelMeta("vitpose", architecture_of("vitpose", str(folder)), 64, 96, head="heatmap")
    net = meta.build()
    net.take_pretrained(str(folder))
    save_checkpoint(tmp_path / "model", net, meta)
    loaded, _ = load_checkpoint(tmp_path / "model")
    images = torch.randn(1, 3, 96, 64)
    with torch.no_grad():
        torch.testing.assert_close(loaded(images), net.eval()(images))


def test_another_head_takes_the_backbone(published: tuple[Path, Any]) -> None:
    folder, model = published
    net = build_network("vitpose", LAYOUT, kwargs=architecture_of("vitpose", str(folder)))
    net.take_pretrained(str(folder))
    own, theirs = net.state_dict(), model.state_dict()
    backbone = [name for name in theirs if name.startswith("backbone.")]
    assert backbone
    assert all(torch.equal(own[name], theirs[name]) for name in backbone)
    assert net(torch.zeros(1, 3, 96, 64))[0].shape == (1, 17, 128)


def test_another_input_size_is_refused(published: tuple[Path, Any]) -> None:
    with pytest.raises(ParamsError, match="64 x 96, got 128 x 128"):
        build_network("vitpose", Layout(128, 128), kwargs=architecture_of("vitpose", str(published[0])))


def test_what_is_no_vitpose_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    for source in (str(tmp_path), f"nobody/no-such-model@{'0' * 40}"):
        with pytest.raises(InputError, match=r"cannot be loaded|holds no ViTPose model") as caught:
            architecture_of("vitpose", source)
        assert "\n" not in str(caught.value)
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(InputError, match=r"expected model_type vitpose|cannot be loaded"):
        architecture_of("vitpose", str(tmp_path))
    with pytest.raises(ParamsError, match="config"):
        build_network("vitpose", LAYOUT, kwargs={"config": {"backbone_config": 3}})
    with pytest.raises(ParamsError, match=r"names a model_type, vitpose_backbone, got KeyError"):
        build_network("vitpose", LAYOUT, kwargs={"config": {"backbone_config": {"hidden_size": 32}}})


@pytest.mark.parametrize("source", ["nobody/model", "nobody/model@main", f"nobody/model@{'0' * 39}", "missing-folder"])
def test_a_hub_model_without_its_commit_is_refused(source: str) -> None:
    with pytest.raises(ParamsError, match=r"names no commit.*owner/name@") as caught:
        architecture_of("vitpose", source)
    assert source in str(caught.value)


def test_a_hub_model_is_taken_at_the_commit_that_is_named(
    published: tuple[Path, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two commits in the hub's cache, which the library reads without asking the hub; the newer has other weights."""
    folder, model = published
    older, newer = "a" * 40, "b" * 40
    cached = tmp_path / "models--somebody--vitpose"
    for commit in (older, newer):
        shutil.copytree(folder, cached / "snapshots" / commit)
    (cached / "refs").mkdir()
    (cached / "refs/main").write_text(newer)
    weights = cached / "snapshots" / newer / "model.safetensors"
    save_file({name: tensor + 1 for name, tensor in load_file(weights).items()}, weights, {"format": "pt"})
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    kwargs = architecture_of("vitpose", f"somebody/vitpose@{older}")
    net = build_network("vitpose", LAYOUT, head="heatmap", kwargs=kwargs)
    for commit, added in ((older, 0), (newer, 1)):
        net.take_pretrained(f"somebody/vitpose@{commit}")
        torch.testing.assert_close(net.state_dict(), {k: v + added for k, v in model.state_dict().items()})


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "transformers", None)
    with pytest.raises(EnvironmentFault, match="transformers is not installed"):
        build_network("vitpose", LAYOUT)
