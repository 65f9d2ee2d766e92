"""A fit that is stopped and taken up again ends with the very weights of one that ran through."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from dataengine.files import fresh_folder
from dataengine.hardware.precision import ChosenPrecision
from dataengine.nets.checkpoint import load_checkpoint
from dataengine.train import fit_student
from dataengine.train.fit import loop as fitting
from dataengine.train.fit.learnt_from.replay import ReplayParams
from dataengine.train.fit.params import FitParams
from dataengine.train.fit.state import resume_folder, save_state
from dataengine.train.fit.step import Stepper

from ...helpers.fitting_project import MOVED, TINY, curve, fit_here, one_torch_thread, write_project


class Stop(BaseException):
    """Stands for the power going off; nothing in the program catches it."""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder to fit in, one thread."""
    monkeypatch.chdir(tmp_path)
    write_project()
    with one_torch_thread():
        yield


def stop_after(epochs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the next fit end when it has saved this number of epochs."""
    saved = []

    def save(out: Path, state: Any) -> None:
        save_state(out, state)
        saved.append(state)
        if len(saved) == epochs:
            raise Stop

    monkeypatch.setattr(fitting, "save_state", save)


def set_progress(ap_of_epoch: Sequence[float], monkeypatch: pytest.MonkeyPatch) -> None:
    """Have validations find these APs: what a few drawn people give hangs on the last bits of the processor's sums."""
    validate = fitting._validate

    def find(run: fitting.Run, *rest: Any) -> dict[str, float]:
        return {**validate(run, *rest), "val_oks_ap": ap_of_epoch[run.done]}

    monkeypatch.setattr(fitting, "_validate", find)


def same_weights(one: str, other: str) -> bool:
    a, b = load_file(f"{one}/model.safetensors"), load_file(f"{other}/model.safetensors")
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


UP_AND_DOWN = (0.1, 0.3, 0.2, 0.4, 0.2)  # never two epochs without a better one; the fourth is the best
EVERYTHING: dict[str, Any] = {"augment": MOVED, "epochs": 5, "accumulate": 2, "batch": 4, "restarts": 1}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"precision": "bf16"},
        {"layer_decay": 0.7, "replay": ReplayParams("mix", 0.3)},
        {"people_per_epoch": 11, "replay": ReplayParams("mix", 0.3)},
        {"ship": "best", "patience": 2, "learning_rate": 0.02},
        {"head": "heatmap", "losses": {"heatmap_mse": 1.0, "oks": 0.3}, "label_sigma_px": 5.0, "network_kwargs": {}},
    ],
)
def test_stopped_and_resumed_is_bit_identical(changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """After one epoch; after two, and after one more; before the last one."""
    set_progress(UP_AND_DOWN, monkeypatch)
    kwargs = {"channels": [8, 16], "blocks": [1, 1]}
    if changes.get("head") == "heatmap":
        kwargs = {**kwargs, "deconv_channels": 8}  # type: ignore[dict-item]
    params: FitParams = replace(TINY, **{**EVERYTHING, **changes, "network_kwargs": kwargs})
    fit_here(params, "models/whole")
    for stops in ((1,), (2, 1), (4,)):
        stopped = f"models/stopped-{'-'.join(map(str, stops))}"
        for epochs in stops:
            with monkeypatch.context() as patch:
                stop_after(epochs, patch)
                with pytest.raises(Stop):
                    fit_here(params, stopped)
            assert not Path(stopped).exists()
        fit_here(params, stopped)
        assert same_weights("models/whole", stopped), stops
        for name in ("train_loss", "val_oks_ap"):
            assert curve("models/whole", name) == curve(stopped, name), stops


def test_curves_and_pictures_are_there_while_it_runs_and_kept_by_what_resumes(monkeypatch: pytest.MonkeyPatch) -> None:
    params = replace(TINY, epochs=4)
    live, pictures = Path("reports/models/stopped.live"), Path("plots/images/predictions")
    fit_here(params, "models/whole")
    with monkeypatch.context() as patch:
        stop_after(2, patch)
        with pytest.raises(Stop):
            fit_here(params, "models/stopped")
    assert {path.name for path in (live / pictures).iterdir()} == {"0.jpg", "1.jpg"}
    losses = (live / "curves/plots/metrics/train_loss.tsv").read_text().splitlines()
    assert len(losses) == 2, "a heading and the first epoch; it stopped before it drew the second"
    fit_here(params, "models/stopped")
    assert not live.exists()
    for epoch in range(4):
        whole, stopped = (Path("reports/models") / n / pictures / f"{epoch}.jpg" for n in ("whole", "stopped"))
        assert whole.read_bytes() == stopped.read_bytes()
    fit_here(replace(params, epochs=1), "models/stopped")
    assert [path.name for path in (Path("reports/models/stopped") / pictures).iterdir()] == ["0.jpg"]


def test_pieces_that_memory_forced_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batch norm sees pieces, so a resumed run has to cut as the stopped one did, though memory be free again."""
    with monkeypatch.context() as patch:
        stop_after(1, patch)
        with pytest.raises(Stop):
            fit_here(TINY)
    path = resume_folder(Path("models/a")) / "state.pt"
    record = torch.load(path, weights_only=True)
    torch.save({**record, "pieces": 4}, path)
    seen = []
    original = Stepper.step

    def step(self: Any, *args: Any) -> torch.Tensor:
        seen.append(self.learner.pieces)
        return original(self, *args)

    monkeypatch.setattr(Stepper, "step", step)
    fit_here(TINY)
    assert set(seen) == {4}


def test_a_fit_that_is_killed_while_it_writes_leaves_no_checkpoint_without_its_report(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Studies take a checkpoint for a finished fit, and read the figures of its report."""

    @contextmanager
    def killed_after(path: Path) -> Iterator[Path]:
        with fresh_folder(path) as partial:
            yield partial
        raise Stop

    params = replace(TINY, epochs=1)
    with monkeypatch.context() as patch, pytest.raises(Stop):
        patch.setattr(fitting, "fresh_folder", killed_after)
        fit_here(params)
    assert Path("reports/models/a/metrics.json").is_file() and not Path("models/a").exists()
    fit_here(params)
    assert load_checkpoint(Path("models/a"))


def test_no_progress_ends_the_run_early(monkeypatch: pytest.MonkeyPatch) -> None:
    set_progress([0.3, 0.3, 0.1, 0.2, 0.2, 0.2], monkeypatch)
    fit_here(replace(TINY, epochs=30, patience=3), "models/a")
    assert len(curve("models/a", "train_loss")) == 4  # nothing is better than the first
    fit_here(replace(TINY, epochs=6, patience=0), "models/b")
    assert len(curve("models/b", "train_loss")) == 6


def test_the_best_epoch_is_shipped_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """By made-up figures: the second epoch is the best."""
    ap = iter([0.1, 0.5, 0.4, 0.3, 0.0] * 2)
    states: list[Any] = []

    def figures(*_: Any) -> dict[str, float]:
        return {"val_oks_ap": next(ap), "val_oks_ap50": 0.0, "val_pck_02": 0.0}

    def keep(out: Path, state: Any) -> None:
        states.append({name: tensor.clone() for name, tensor in state.average.items()})

    monkeypatch.setattr(fitting, "validation_figures", figures)
    monkeypatch.setattr(fitting, "save_state", keep)
    params = replace(TINY, epochs=4)
    fit_here(replace(params, ship="best"), "models/best")
    fit_here(params, "models/last")
    for out, epoch in (("models/best", 1), ("models/last", 3 + 4)):
        net, _ = load_checkpoint(Path(out))
        assert all(torch.equal(tensor, states[epoch][name]) for name, tensor in net.state_dict().items())
    assert load_checkpoint(Path("models/best"))[1].lineage["validation"]["val_oks_ap"] == 0.5


def test_a_fit_ends_in_the_precision_it_began_with(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Begun where bf16 is fast, taken up where it is emulated: the weights are those of a fit in bf16 alone."""
    params = replace(TINY, precision="auto")
    fit_here(replace(TINY, precision="bf16"), "models/whole")
    capsys.readouterr()
    with monkeypatch.context() as patch:
        patch.setattr("dataengine.train.fit.state.choose_precision", lambda *_: ChosenPrecision("bf16", "AMX"))
        stop_after(1, patch)
        with pytest.raises(Stop):
            fit_here(params, "models/stopped")
    assert capsys.readouterr().err.count("fit-teacher: precision bf16 (AMX)\n") == 1
    elsewhere = ChosenPrecision("fp32", "this CPU has no instructions for bf16")
    monkeypatch.setattr("dataengine.train.fit.state.choose_precision", lambda *_: elsewhere)
    fit_here(params, "models/stopped")
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "precision" in line]
    assert "precision bf16 (this fit began in it" in line
    assert "would take fp32" in line and "delete models/stopped.resume" in line
    assert same_weights("models/whole", "models/stopped")
    lineage = load_checkpoint(Path("models/stopped"))[1].lineage
    assert (lineage["precision"], lineage["params"]["precision"]) == ("bf16", "auto")
    fit_here(params, "models/fresh")
    assert "precision fp32 (this CPU has no instructions for bf16)" in capsys.readouterr().err
    assert load_checkpoint(Path("models/fresh"))[1].lineage["precision"] == "fp32"
    assert not same_weights("models/fresh", "models/stopped")


def test_other_first_weights_are_another_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stopped fit is not taken up when the checkpoint or the published file it began with has changed."""
    fit_here(replace(TINY, epochs=1), "models/first")
    weights = load_file("models/first/model.safetensors")
    torch.save({name: t for name, t in weights.items() if name.startswith("backbone")}, "published.pth")

    def stopped_fit(**changes: Any) -> Any:
        """The resume state after one more epoch."""
        params = fit_student.FitStudentParams(**{**vars(TINY), "pseudo_per_real": 0.0, "start_from": None, **changes})
        out = Path("models/student")
        with monkeypatch.context() as patch:
            stop_after(1, patch)
            with pytest.raises(Stop):
                fit_student.run(
                    params, mix=Path("mix"), pseudo=Path("val.json"), val=Path("val.json"), out=out, report=Path("r")
                )
        return torch.load(resume_folder(out) / "state.pt", weights_only=True)

    first = stopped_fit(start_from="models/first")
    assert stopped_fit(start_from="models/first")["epochs_done"] == 2, "nothing changed: it goes on"
    Path("models/first").rename("models/old")
    fit_here(replace(TINY, epochs=1, seed=8), "models/first")
    second = stopped_fit(start_from="models/first")
    assert (second["epochs_done"], second["fingerprint"] != first["fingerprint"]) == (1, True)

    stopped_fit(pretrained="published.pth")
    assert stopped_fit(pretrained="published.pth")["epochs_done"] == 2
    torch.save({name: t + 1 for name, t in weights.items() if name.startswith("backbone")}, "published.pth")
    assert stopped_fit(pretrained="published.pth")["epochs_done"] == 1
