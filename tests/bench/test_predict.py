"""The benchmark of prediction on tiny sizes."""

from pathlib import Path

import numpy as np
import pytest
import torch

from dataengine.bench import predict
from dataengine.bench.loader import one_thread
from dataengine.bench.record import Figure, Missing
from dataengine.inference.running.predict import torch_runner
from dataengine.inference.running.sessions import Asked
from dataengine.nets.checkpoint import ModelMeta

TINY = ModelMeta("residual", {"channels": [8, 8], "blocks": [1, 1]}, input_width_px=32, input_height_px=32)


@pytest.fixture(autouse=True)
def drawn_pictures(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("dataengine.bench.loader_sets.REAL_SET", tmp_path / "none")


def test_shares_and_memory_have_their_peers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predict, "STUDENT", TINY)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with one_thread():
        rows = list(predict.run(people=300, timed_people=40, pairs=1))
    figures = {row.name: row for row in rows if isinstance(row, Figure)}
    assert list(figures) == ["predict.share_of_network", "predict.share_of_network_photo", "predict.memory_mb"]
    for figure in figures.values():
        assert figure.peer is not None
        assert figure.ours > 0 < figure.peer
    missing = [row for row in rows if isinstance(row, Missing)]
    assert [row.name for row in missing] == ["predict.cuda_ms", "predict.cuda_crops_per_s"]
    assert missing[0].line() == "predict.cuda_ms not measured: it needs a GPU: PyTorch sees none here"


def test_held_crops_show_in_the_peak() -> None:
    """4,000 crops of 128x128 are 197 MB, which only one of the two holds; the stream predicts few to be quick."""
    assert predict.peak_mb("held", 4000) - predict.peak_mb("stream", 64) > 150


def test_the_crowd_stands_in_a_few_pictures(tmp_path: Path) -> None:
    people, images = predict.crowd(tmp_path, 50, pictures=4)
    assert len(people) == 50
    assert len(images) == 4
    assert (np.diff(people.image_id) >= 0).all()


def test_a_session_is_timed_from_crops_to_joints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predict, "HRNET", TINY)
    runner = torch_runner(TINY.build())
    assert predict.one_crop_ms(runner.session(TINY, Asked(), 1), runs=2) > 0
    assert predict.crops_per_second(runner.session(TINY, Asked(), 4), batches=2, batch=4) > 0


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device: PyTorch sees none")
def test_figures_of_a_gpu() -> None:
    figures = [row for row in predict.cuda_figures() if isinstance(row, Figure)]
    assert [figure.name for figure in figures] == ["predict.cuda_ms", "predict.cuda_crops_per_s"]
    assert all(figure.peer is not None and figure.peer > 0 for figure in figures)
