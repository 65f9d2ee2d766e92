"""The command: films in, a checkpoint out that fits start from; frames that measure are left out."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from dataengine.errors import InputError
from dataengine.files import read_json, sha256_file
from dataengine.leakage.contents import Contents
from dataengine.leakage.film_names import film_name
from dataengine.leakage.held_out import HeldOutSet, LeakRule, write_held_out
from dataengine.nets.checkpoint import load_checkpoint, save_checkpoint
from dataengine.nets.learnt_pictures import read_learnt_pictures
from dataengine.train.fit.start import first_network, model_meta, with_taught
from dataengine.train.pretext import pretrain
from dataengine.train.pretext.params import SECTION, PretrainParams

from ...helpers.clips import write_clip
from ...helpers.fitting_project import TINY, one_torch_thread
from .made_films import PARAMS, drawn

FRAMES = 40
QUICK = replace(PARAMS, epochs=1, people_per_epoch=48)


@pytest.fixture
def cameras(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of two films in step, 4 s each, with a file of boxes for each."""
    monkeypatch.chdir(tmp_path)
    Path("cameras").mkdir()
    Path("boxes").mkdir()
    for camera, name in enumerate(("left", "right")):
        rng = np.random.default_rng(camera)
        pictures = [np.full((64, 64, 3), 40, np.uint8) for _ in range(FRAMES)]
        for number, picture in enumerate(pictures):
            picture[12:52, 12:52] = drawn(3 * number, camera, rng)
        write_clip(Path("cameras") / f"{name}.mp4", pictures)
        lines = [f"{number + 1},-1,13,13,40,40,1,-1,-1,-1\n" for number in range(FRAMES)]
        (Path("boxes") / f"{name}.txt").write_text("".join(lines))
    return Path("cameras")


def pretrain_here(params: PretrainParams = QUICK, **given: Any) -> dict[str, Any]:
    options = {"films": [], "views": [Path("cameras")], "boxes": Path("boxes"), **given}
    folders = {"out": Path("models/pretext"), "report": Path("reports/pretext")}
    with one_torch_thread():
        return pretrain.run(params, **{**folders, **options})


def hold_out(film: Path, frames: list[int], gap: int | None) -> Path:
    grey = np.random.default_rng(0).integers(0, 256, (len(frames), 32, 32)).astype(np.uint8)
    contents = Contents(
        sha256=np.array([f"{frame:064d}" for frame in frames]),
        thumbnails=grey,
        video=np.full(len(frames), film_name(film, sha256_file(film))),
        frame=np.array(frames),
        video_sha256=np.full(len(frames), sha256_file(film)),
    )
    path = Path("held_out.json")
    write_held_out(path, HeldOutSet(contents, np.full(len(frames), "test"), LeakRule(10, 0.75, gap)))
    return path


def test_frames_that_measure_are_left_out_with_those_near_them(cameras: Path) -> None:
    held = hold_out(cameras / "left.mp4", [30, 31, 39], gap=2)
    metrics = pretrain_here(held_out=held)
    left, right = metrics["films"]
    assert left["frames"] == [0, 36] and left["frames_held_out"] == 9
    assert left["crops"] == FRAMES - 9
    assert right["frames"] == [0, 39] and right["frames_held_out"] == 0
    assert set(metrics["tasks"]) == {"order", "views"}
    assert read_json(Path("reports/pretext/metrics.json")) == metrics
    _, meta = load_checkpoint(Path("models/pretext"))
    assert meta.lineage["films"] == metrics["films"] and meta.lineage["stage"] == SECTION
    assert meta.taught == () and read_learnt_pictures(Path("models/pretext")) is None
    assert not Path("models/pretext.resume").exists()
    with pytest.raises(InputError, match="all 40 frames with people are held out for measuring"):
        pretrain_here(held_out=hold_out(cameras / "left.mp4", [0], gap=None))


def test_a_fit_takes_the_backbone_and_its_own_head(cameras: Path, tmp_path: Path) -> None:
    pretrain_here()
    source = load_checkpoint(Path("models/pretext"))[0].state_dict()
    alike = {name: getattr(QUICK, name) for name in ("network_kwargs", "crop_padding")}
    heatmap = {**alike["network_kwargs"], "deconv_channels": 8}
    del heatmap["maps_per_joint"]
    for own in (
        replace(TINY, **alike, start_from="models/pretext"),
        replace(
            TINY,
            **{**alike, "network_kwargs": heatmap},
            head="heatmap",
            losses={"heatmap_mse": 1.0},
            start_from="models/pretext",
        ),
    ):
        begun = first_network(own, model_meta(own))
        fresh = first_network(replace(own, start_from=None), model_meta(own)).state_dict()
        for name, tensor in begun.state_dict().items():
            wanted = fresh if name.split(".")[0] in begun.head_layers else source
            assert torch.equal(tensor, wanted[name]), name
        labelled = np.arange(17) < 5
        assert (with_taught(model_meta(own), own, labelled).is_taught == labelled).all()
    with pytest.raises(InputError, match="has another crop"):
        other = replace(TINY, crop_padding=2.0, start_from="models/pretext")
        first_network(other, model_meta(other))


def test_the_head_of_a_network_that_was_fitted_is_kept(cameras: Path) -> None:
    meta = model_meta(QUICK)
    net = first_network(QUICK, meta)
    save_checkpoint(Path("models/first"), net, replace(meta, taught=("nose", "left_hip")))
    pretrain_here(replace(QUICK, start_from="models/first"))
    after, after_meta = load_checkpoint(Path("models/pretext"))
    assert after_meta.taught == ("nose", "left_hip")
    same = {name for name, tensor in after.state_dict().items() if torch.equal(tensor, net.state_dict()[name])}
    heads = {name for name in net.state_dict() if name.split(".")[0] in net.head_layers}
    assert heads <= same
    assert "backbone.0.weight" not in same


def nobody(cameras: Path) -> dict[str, Any]:
    (Path("boxes") / "left.txt").write_text("")
    return {}


def no_boxes(cameras: Path) -> dict[str, Any]:
    (Path("boxes") / "right.txt").unlink()
    return {}


def no_film(cameras: Path) -> dict[str, Any]:
    (cameras / "left.mp4").write_text("words")
    return {}


def lone_camera(cameras: Path) -> dict[str, Any]:
    (cameras / "left.mp4").unlink()
    return {}


def boxes_of_another_film(cameras: Path) -> dict[str, Any]:
    lines = [f"{number + 1},-1,513,13,40,40,1,-1,-1,-1\n" for number in range(FRAMES)]
    (Path("boxes") / "left.txt").write_text("".join(lines))
    return {}


def same_film_by_another_name(cameras: Path) -> dict[str, Any]:
    shutil.copy(cameras / "left.mp4", "again.mp4")
    return {"films": [Path("again.mp4")]}


def report_of_another_command(cameras: Path) -> dict[str, Any]:
    Path("reports/pretext").mkdir(parents=True)
    Path("reports/pretext/parts.md").write_text("a study of hours")
    return {}


def checkpoint_of_another_command(cameras: Path) -> dict[str, Any]:
    meta = model_meta(QUICK)
    save_checkpoint(Path("models/pretext"), first_network(QUICK, meta), replace(meta, lineage={"stage": "fit-student"}))
    return {}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (boxes_of_another_film, "left.mp4 shows no one to learn from.*nobody was found"),
        (same_film_by_another_name, "again.mp4 is the same film as cameras/left.mp4"),
        (lambda cameras: {"views": [cameras, cameras]}, "the same film"),
        (lambda cameras: {"films": [cameras]}, "cameras cannot be a film.*name it with --views"),
        (lambda cameras: {"films": [Path("gone.mp4")]}, "gone.mp4 cannot be a film"),
        (report_of_another_command, "reports/pretext would be replaced.*parts.md.*--report"),
        (checkpoint_of_another_command, "models/pretext would be replaced.*checkpoint of another command"),
        (lambda cameras: {"out": cameras}, "cameras would be replaced.*left.mp4"),
        (lambda cameras: {"out": Path("reports/pretext")}, "replace each other"),
        (lambda cameras: {"report": Path("models/pretext/report")}, "replace each other"),
        (nobody, "left.mp4 shows no one to learn from.*nobody was found"),
        (no_boxes, "boxes has no boxes of cameras/right.mp4.*right.json"),
        (no_film, "left.mp4"),
        (lone_camera, "holds no cameras in step"),
        (lambda cameras: {"views": []}, "there is nothing to learn from"),
        (lambda cameras: {"views": [Path("nowhere")]}, "nowhere is not a folder"),
        (lambda cameras: {"every": 0}, "--every does not fit"),
        (lambda cameras: {"every": 10}, "too short for the order of moments"),
    ],
)
def test_what_cannot_teach_is_refused(cameras: Path, change: Callable[[Path], dict[str, Any]], said: str) -> None:
    options = change(cameras)
    there = {path: path.read_bytes() for path in sorted(Path().rglob("*")) if path.is_file()}
    with pytest.raises(InputError, match=said):
        pretrain_here(**options)
    assert {path: path.read_bytes() for path in sorted(Path().rglob("*")) if path.is_file()} == there


def test_films_end_where_memory_does(cameras: Path, capsys: pytest.CaptureFixture[str]) -> None:
    metrics = pretrain_here(replace(QUICK, most_crops=60))
    assert [each["crops"] for each in metrics["films"]] == [30, 30]
    assert "left.mp4 is used up to frame 30: most_crops allows no more" in capsys.readouterr().err


def test_one_film_teaches_order_alone(cameras: Path, capsys: pytest.CaptureFixture[str]) -> None:
    metrics = pretrain_here(films=[cameras / "left.mp4"], views=[])
    assert set(metrics["tasks"]) == {"order"}
    said = capsys.readouterr()
    assert "no --views, so the agreement of views is not learnt" in said.err
    assert "no --held-out" in said.err
    assert said.out.startswith("order: ")


def test_it_may_be_run_again_and_says_where_nothing_is_held_out(
    cameras: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = pretrain_here()
    Path("other").mkdir()
    pictures = [np.full((64, 64, 3), shade, np.uint8) for shade in range(0, 200, 5)]
    write_clip(Path("other/film.mp4"), pictures)
    assert pretrain_here(held_out=hold_out(Path("other/film.mp4"), [3], gap=2)) == first
    assert "held_out.json holds out nothing of these films" in capsys.readouterr().err
