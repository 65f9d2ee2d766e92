"""The command: from a student to smaller checkpoints and the page."""

import json
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dataengine.coco_json import read_people, write_people
from dataengine.errors import EnvironmentFault, InputError, ParamsError
from dataengine.evaluation.analysis.interval import Interval
from dataengine.evaluation.ap.protocol import COCO
from dataengine.inference.exported import load_exported
from dataengine.nets.checkpoint import load_checkpoint
from dataengine.nets.learnt_pictures import read_learnt_pictures
from dataengine.studies.one_at_a_time import one_at_a_time
from dataengine.train import export, prune
from dataengine.train.deploy.params import GraphParams, Int8Params, MaxApDrop
from dataengine.train.fit.params import FitParams
from dataengine.train.smaller.measuring import Sized, pareto
from dataengine.train.smaller.page import lines
from dataengine.train.smaller.params import PruneParams
from dataengine.train.smaller.refitting import prune_one
from dataengine.train.smaller.removing import count, empty_channels

from ...helpers.drawn_people import draw_people_at
from ...helpers.fitting_project import TINY, fit_here, one_torch_thread, write_project
from ..exported_models import PARAMS as EXPORT

SHARED = {f.name: getattr(TINY, f.name) for f in fields(FitParams)}
PARAMS = PruneParams(**{**SHARED, "epochs": 1, "keep": (0.6,), "multiple_of": 4})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A student, pruned."""
    folder = tmp_path_factory.mktemp("pruned")
    with pytest.MonkeyPatch.context() as patch, one_torch_thread():
        patch.chdir(folder)
        write_project()
        for seed, name in enumerate(("val", "test"), start=1):  # pictures of their own: the command asks for them
            write_people(Path(f"{name}.json"), *draw_people_at(Path(name), 8, seed))
        fit_here(replace(TINY, epochs=1), "models/student")
        run()
        yield folder


def run(val: str = "val.json", test: str = "test.json", out: str = "models/prune") -> None:
    given: dict[str, Any] = {"mix": Path("mix"), "val": Path(val), "test": Path(test), "out": Path(out)}
    student, report = Path("models/student"), Path("reports/prune")
    prune.run(PARAMS, student=student, **given, report=report, also=[student], runs=1)


def test_a_pruned_checkpoint_is_one_like_all_others(folder: Path) -> None:
    net, meta = load_checkpoint(folder / "models/prune/macs-0.60")
    whole, whole_meta = load_checkpoint(folder / "models/student")
    share = count(net, meta)["macs"] / count(whole, whole_meta)["macs"]
    assert share <= 0.6 and empty_channels(net) == 0
    pruned = meta.lineage["pruned"]
    assert pruned["kept"]["macs"] == pytest.approx(share) and pruned["share"] == 0.6
    assert (meta.lineage["stage"], meta.lineage["student"]["stage"]) == ("prune", "fit-teacher")
    learnt = read_learnt_pictures(folder / "models/prune/macs-0.60")
    assert learnt and learnt == read_learnt_pictures(folder / "models/student")
    assert meta.taught == whole_meta.taught


def test_the_page_has_a_row_for_every_network(folder: Path) -> None:
    page = (folder / "reports/prune/compression.md").read_text()
    rows = [line.split("|")[1].strip() for line in page.splitlines() if line.startswith("| ")][1:]
    wanted = [
        "student",
        "fitted-on",
        "macs-0.60",
        "macs-0.60, not fitted again",
        "0.40 of weights zero",
        "models/student",
    ]
    assert rows == wanted
    assert "removed: 0." in page
    assert (folder / "reports/prune/compression.png").stat().st_size > 5000


def test_what_is_there_is_not_made_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    out, val = Path("models/prune/macs-0.60"), Path("val.json")
    before = (out / "model.json").stat().st_mtime_ns
    given: dict[str, Any] = {"student": Path("models/student"), "mix": Path("mix"), "val": val, "held_out": None}
    given |= {"out": out, "report": Path("reports/again"), "protocol": COCO}
    assert prune_one(PARAMS, 0.6, **given) == out
    assert "is there already" in capsys.readouterr().err
    assert (out / "model.json").stat().st_mtime_ns == before and not Path("reports/again").exists()


@pytest.mark.parametrize(
    ("sets", "names"),
    [
        ({"val": "mix/train.json"}, "--mix and --val"),
        ({"test": "mix/train.json"}, "--mix and --test"),
        ({"test": "val.json"}, "--val and --test"),
    ],
)
def test_a_picture_in_two_sets_is_refused_before_anything_is_fitted(
    folder: Path, monkeypatch: pytest.MonkeyPatch, sets: dict[str, str], names: str
) -> None:
    monkeypatch.chdir(folder)
    with pytest.raises(InputError, match=f"{names} share pictures: expected none, got 8, such as "):
        run(**sets, out="models/refused")
    assert not Path("models/refused").exists()


def test_a_pruned_student_is_not_replaced_and_two_do_not_share_a_report(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    student, report = Path("models/prune/macs-0.60"), Path("reports/prune")
    before = (student / "model.safetensors").read_bytes()
    given: dict[str, Any] = {"mix": Path("mix"), "val": Path("val.json"), "test": Path("test.json"), "report": report}
    with pytest.raises(InputError, match=r"macs-0\.60 would be replaced: expected another network, got --student"):
        prune.run(PARAMS, student=student, out=Path("models/prune"), **given)
    assert (student / "model.safetensors").read_bytes() == before
    with one_at_a_time(report), pytest.raises(EnvironmentFault, match="another process works on reports/prune"):
        run()


@pytest.mark.parametrize("place", ["models/kept/macs-0.60", "models/kept/fitted-on", "reports/prune/fitted-on"])
def test_somebodys_files_where_a_checkpoint_or_report_goes_are_left_before_anything_is_fitted(
    folder: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.chdir(folder)
    Path(place).mkdir(parents=True, exist_ok=True)
    notes = Path(place) / "notes.txt"
    notes.write_text("mine")
    try:
        with pytest.raises(InputError, match=f"{place} would be replaced: expected .*, or nothing, got notes.txt"):
            run(out="models/kept")
        assert notes.read_text() == "mine" and not list(Path("models/kept").rglob("model.json"))
    finally:
        notes.unlink()


def test_int8_of_a_pruned_network_gives_its_joints(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A channel of zeros gets the scale 1 and so a coarse bias: there is none."""
    monkeypatch.chdir(folder)
    loose = MaxApDrop(fp32=0.01, fp16=0.5, int8=0.5, engine=1.0)
    params = replace(EXPORT, engine=False, graph=GraphParams(), max_ap_drop=loose, int8=Int8Params(1.0, 0))
    people, val = read_people(Path("val.json"))[0], Path("val.json")
    student = Path("models/prune/macs-0.60")
    export.run(params, student=student, calibration=val, val=val, out=tmp_path / "export", report=tmp_path / "report")
    metrics = json.loads((tmp_path / "report/metrics.json").read_text())
    assert metrics["fp32"]["keypoint_distance_px"]["max"] < 0.01
    size = np.sqrt(people.bbox_xywh_px[:, 2:].prod(axis=1)).mean()
    assert metrics["int8"]["keypoint_distance_px"]["mean"] < 0.1 * size
    assert load_exported(tmp_path / "export").meta.network_kwargs["widths"]


def test_nobody_is_beaten_by_a_row_of_equals() -> None:
    def row(name: str, macs: int, ap: float) -> Sized:
        interval = Interval(ap, ap - 0.1, ap + 0.1)
        return Sized(name, macs, macs, 10, 3, 1.0, 0.5, interval, interval, ap, 0)

    rows = [row("a", 100, 0.5), row("b", 50, 0.5), row("c", 50, 0.4), row("d", 20, 0.3), row("e", 20, 0.3)]
    assert pareto(rows) == [False, True, False, True, True]
    assert sum(line.endswith("| * |") for line in lines(rows, ["facts"])) == 3


@pytest.mark.parametrize(
    "change",
    [{"keep": ()}, {"keep": (1.0,)}, {"keep": (0.504, 0.501)}, {"keep": (0.001,)}, {"multiple_of": 0}, {"teach": -1.0}],
)
def test_params_that_make_no_sense_are_refused(change: dict) -> None:
    with pytest.raises(ParamsError, match=next(iter(change))):
        replace(PARAMS, **change)
