"""The benchmarks of fitting and distillation on tiny sizes: both loops learn the same, every figure has its peer."""

import os
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from dataengine.bench.__main__ import main
from dataengine.bench.loader import one_thread
from dataengine.bench.record import Figure
from dataengine.files import read_json
from dataengine.hardware.threads import available_cores
from dataengine.nets.checkpoint import ModelMeta
from dataengine.train.bench import busy, cuda, distill, fit, loops, starter
from dataengine.train.fit.data import ValidationSet
from dataengine.train.fit.learnt_from.training_set import TrainingSet
from dataengine.train.fit.params import FitParams

from ...helpers.drawn_people import draw_people_at
from ...helpers.fitting_project import TINY

PLAIN = replace(TINY, precision="fp32", weight_decay=0.0, draws_per_epoch=1, clip_norm=1.0, warmup_share=0.0)


@pytest.fixture(autouse=True)
def one() -> Iterator[None]:
    """A tiny network gains nothing from a second thread."""
    with one_thread():
        yield


@pytest.fixture(autouse=True)
def no_photographs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Drawn pictures everywhere."""
    monkeypatch.setattr("dataengine.bench.loader_sets.REAL_SET", tmp_path / "none")


def test_the_plain_loop_learns_what_ours_learns(tmp_path: Path) -> None:
    ours, plain = loops.loops(PLAIN, tmp_path, 16)
    for _ in range(2):
        ours.epoch()
        plain.epoch()
    for (name, mine), theirs in zip(ours.run.net.state_dict().items(), plain.net.state_dict().values(), strict=True):
        # the schedule falls by a hair within two of ten thousand epochs
        torch.testing.assert_close(mine, theirs, rtol=1e-3, atol=1e-4, msg=name)


def test_figures_of_fitting(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump({"fit-teacher": asdict(TINY)}))
    taken = list(fit.run(people=8, pairs=1, saves=1, params=path))
    figures = {figure.name: figure for figure in taken if isinstance(figure, Figure)}
    assert set(figures) == {
        *("fit.overhead", "fit.ms_per_image", "fit.checkpoint_s", "fit.checkpoint_bytes"),
        *("fit.resume_s", "fit.resume_bytes", "fit.auto_over_best", "fit.busy", "fit.busy_spinning"),
    }
    assert all(figure.ours > 0 and figure.peer is not None and figure.peer > 0 for figure in figures.values())
    weights = sum(t.numel() for t in ModelMeta("residual", TINY.network_kwargs, 32, 32).build().state_dict().values())
    assert figures["fit.checkpoint_bytes"].ours > 4 * 0.99 * weights
    assert figures["fit.resume_bytes"].ours > 2 * figures["fit.checkpoint_bytes"].ours


def test_what_a_gpu_would_show_is_printed_and_not_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    taken = list(cuda.figures(TINY, tmp_path))
    assert [figure.name for figure in taken] == ["fit.cuda_ratio", "fit.cuda_loader_wait"]
    monkeypatch.setattr(fit, "run", lambda: iter([*taken, Figure("fit.some", 1.0, "s")]))
    main(["fit"], tmp_path / "bench.json")
    assert list(read_json(tmp_path / "bench.json")) == ["fit.some"]
    assert "fit.cuda_ratio not measured: it needs a GPU that PyTorch sees" in capsys.readouterr().out


@pytest.mark.gpu
def test_figures_of_a_gpu(tmp_path: Path) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device that PyTorch sees")
    figures = list(cuda.figures(TINY, tmp_path, 256, 2))
    assert all(isinstance(figure, Figure) and figure.ours > 0 for figure in figures)


def test_every_core_is_kept_busy_and_let_go() -> None:
    before = _children()
    with busy.busy_cores():
        assert len(_children() - before) == available_cores()
    assert _children() <= before


def _children() -> set[Path]:
    return {process for process in Path("/proc").glob("[0-9]*/stat") if _parent(process) == os.getpid()}


def _parent(stat: Path) -> int:
    try:
        return int(stat.read_text(encoding="utf-8").rpartition(")")[2].split()[1])
    except OSError:  # it has ended meanwhile
        return -1


def test_turns_are_taken() -> None:
    calls: list[str] = []
    seconds = loops.in_turns(lambda: calls.append("ours"), lambda: calls.append("plain"), 3)
    assert len(seconds) == 3
    assert calls == ["ours", "plain", *("plain", "ours"), *("ours", "plain"), *("plain", "ours")]


def test_students_are_timed_beside_their_teachers() -> None:
    figures = list(distill.run(32, 32, repeats=1))
    assert [figure.name for figure in figures] == [
        "distill.hrnet-w32_from_hrnet-w48_ms",
        "distill.residual_from_hrnet-w32_ms",
        "distill.residual_from_hrnet-w48_ms",
    ]
    assert figures[1].peer == figures[0].ours
    assert figures[2].ours == figures[1].ours


def test_the_starters_gain_is_of_people_that_neither_fit_has_seen(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, repository: Path
) -> None:
    missing = list(starter.run())
    assert [figure.name for figure in missing] == ["starter.gain", "starter.s_per_ap"]
    assert all("labelled photographs" in figure.line() for figure in missing)

    people, images = draw_people_at(tmp_path / "drawn", 12, seed=0)
    (tmp_path / "set").mkdir()
    monkeypatch.setattr("dataengine.bench.loader_sets.REAL_SET", tmp_path / "set")
    monkeypatch.setattr("dataengine.bench.loader_sets.small_set", lambda _, count: (people.take(range(count)), images))
    for name, value in {"LABELLED": 8, "JUDGED": 4, "EPOCHS": 1, "PEOPLE_PER_EPOCH": 8}.items():
        monkeypatch.setattr(starter, name, value)
    fits: list[tuple[FitParams, set[int], set[int]]] = []

    def learn(stage: str, params: FitParams, training: TrainingSet, validation: ValidationSet, **_: Any) -> Any:
        fits.append((params, set(training.people.image_id), set(validation.people.image_id)))
        return {"val_oks_ap": 0.2 if params.start_from else 0.1}

    monkeypatch.setattr(starter, "fit", learn)
    gain, cost = starter.run(repository / "params.yaml")
    assert gain.line().startswith("starter.gain ours=0.2 peer=0.1 ratio=2 ") and cost.name == "starter.s_per_ap"
    assert [params.start_from for params, _, _ in fits] == ["starter", None]
    assert all(len(learnt) == 8 and len(judged) == 4 and not learnt & judged for _, learnt, judged in fits)
