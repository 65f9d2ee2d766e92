"""Fits that start from the champion."""

from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file

from dataengine.errors import InputError, ParamsError
from dataengine.files import fresh_folder
from dataengine.inference.exported import file_record, load_exported, write_sidecar
from dataengine.nets.checkpoint import WEIGHTS_NAME, load_checkpoint
from dataengine.registry.records import Entry, Event, Registry
from dataengine.registry.registry_file import write_registry
from dataengine.train import fit_teacher

from ...helpers.fitting_project import fit_here
from ..gate_round import PARAMS as COMPARE
from .earlier_mix import SHORT, project  # noqa: F401  a fixture


def promote(checkpoint: Path, *, with_weights: bool = True) -> None:
    """Enter `checkpoint` as the champion of a registry, the file of the network being any."""
    _, meta = load_checkpoint(checkpoint)
    with fresh_folder(Path("export")) as folder:
        (folder / "model.onnx").write_bytes(b"a network")
        names = ["model.onnx", *([WEIGHTS_NAME] if with_weights else [])]
        if with_weights:
            (folder / WEIGHTS_NAME).write_bytes((checkpoint / WEIGHTS_NAME).read_bytes())
        write_sidecar(folder, meta, {name: file_record(folder / name) for name in names}, {})
    model = load_exported(Path("export"))
    Path("store").mkdir(exist_ok=True)
    Path("export").rename(Path("store") / model.id)
    entry = Entry(model.id, "champion", "2026-01-01T00:00:00Z", 0.5, 0.4, 0.6, "0" * 64, "COCO", model.sha256, {})
    event = Event(entry.promoted_at, model.id, "promoted", "", 0.5, "COCO", "better", "1" * 64)
    write_registry(Path("registry.json"), Registry().with_champion(entry).with_event(event))
    sections = {
        "fit-teacher": asdict(replace(SHORT, start_from="champion", learning_rate=1e-9)),
        "registry": {"file": "registry.json", "store": "store"},
        "compare": {**asdict(COMPARE), "champion": model.id},
        "oks": {"sigmas": ""},
    }
    Path("params.yaml").write_text(yaml.safe_dump(sections))


def fit_from_champion() -> None:
    fit_teacher.command(
        mix=Path("mix"),
        val=Path("val.json"),
        out=Path("models/tuned"),
        report=Path("reports/tuned"),
        params=Path("params.yaml"),
    )


def test_a_fit_starts_from_the_champion() -> None:
    fit_here(replace(SHORT, epochs=1), "models/start")
    promote(Path("models/start"))
    fit_from_champion()
    first, tuned = load_file("models/start/model.safetensors"), load_file("models/tuned/model.safetensors")
    for name in ("backbone.0.weight", "to_x.weight"):
        torch.testing.assert_close(tuned[name], first[name], atol=1e-5, rtol=0)
    assert load_checkpoint(Path("models/tuned"))[1].lineage["params"]["start_from"].startswith("store/")


def test_a_champion_without_weights_and_a_missing_one_are_refused() -> None:
    fit_here(replace(SHORT, epochs=1), "models/start")
    promote(Path("models/start"), with_weights=False)
    with pytest.raises(InputError, match=r"was exported without model.safetensors"):
        fit_from_champion()
    sections = yaml.safe_load(Path("params.yaml").read_text())
    sections["compare"]["champion"] = ""
    Path("params.yaml").write_text(yaml.safe_dump(sections))
    with pytest.raises(ParamsError, match=r"params fit-teacher\.start_from is champion.*begin-round"):
        fit_from_champion()


def test_damaged_weights_of_the_champion_are_refused() -> None:
    fit_here(replace(SHORT, epochs=1), "models/start")
    promote(Path("models/start"))
    (path,) = Path("store").glob(f"*/{WEIGHTS_NAME}")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match="not the file that was exported"):
        fit_from_champion()
