"""Whatever a file holds, it is read or refused in one line: no traceback, no hang, bounded memory.

Good files of every kind are damaged at random, from fixed seeds. `DATAENGINE_FUZZED=10000 pytest
tests/test_fuzzed_files.py` tries that many inputs of all kinds together.
"""

import json
import os
import random
import resource
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from dataengine.active.manifest.files import read_manifest, write_selection
from dataengine.coco_json import read_people, write_people
from dataengine.doctor.project_state.dvc_files import lock_fault
from dataengine.errors import DataEngineError
from dataengine.evaluation.ap.matching import paired
from dataengine.format_table import FORMATS
from dataengine.formats.reading.content import Limits
from dataengine.inference.exported import ONNX_FP32, SIDECAR, file_record, load_exported, write_sidecar
from dataengine.labels.label_file import read_label_file
from dataengine.leakage.held_out import read_held_out
from dataengine.mixing import MixRecipe, read_recipe, write_recipe
from dataengine.nets.checkpoint import META_NAME, ModelMeta, load_checkpoint, save_checkpoint
from dataengine.params import load_section
from dataengine.pictures.reading.decoding import read_picture
from dataengine.registry.ledger import ComparedInputs, pictures_name
from dataengine.registry.records import Registry
from dataengine.registry.registry_file import read_registry, write_registry
from dataengine.requests.record import read_request, write_request
from dataengine.rounds.asked import enter_round, read_record
from dataengine.rounds.whole import WholeRound, read_whole_rounds, write_whole_round
from dataengine.train.fit.params import BASE, FitParams
from dataengine.train.gate.comparison import read_verdict
from dataengine.train.gate.measured import MeasuredComparison, MeasuredFacts
from dataengine.video.decoding import iter_frames

from .helpers.clips import textured, write_clip
from .helpers.drawn_people import draw_people_at
from .helpers.fitting_project import TINY
from .helpers.held_out import held_out_file
from .helpers.label_files import labelled
from .helpers.made_pictures import photo, saved
from .helpers.mutations import mutated_bytes, mutated_json
from .registry.test_records import entry, event
from .requests.test_requests import request
from .train.gate.test_comparison import record_with

Read = Callable[[Path], Any]
KINDS = 34
EACH = max(1, -(-int(os.environ.get("DATAENGINE_FUZZED", "952")) // KINDS))
LONGEST_S = 20.0  # of a single input, on a busy machine
MOST_GROWTH_KB = 1 << 20  # of the largest memory that the process ever held, by all inputs of a kind
WRITTEN = ("aic", "coco", "crowdpose", "cvat", "label-studio", "lsp", "mpii", "posetrack18", "yolo")
PICTURES = ("AVIF", "GIF", "JPEG", "PNG", "TIFF", "WEBP")


def try_all(path: Path, read: Read, mutate: Callable[[bytes, random.Random], bytes], seed: int) -> None:
    """Read `path` as it is, then damaged in `EACH` ways, and put it back."""
    good, rng = path.read_bytes(), random.Random(seed)
    read(path)
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(EACH):
        path.write_bytes(mutate(good, rng))
        started = time.monotonic()
        try:
            read(path)
        except DataEngineError as error:
            assert "\n" not in str(error), f"input {number}"
        except Exception as error:
            raise AssertionError(f"input {number} of seed {seed} ends in {type(error).__name__}: {error}") from error
        assert time.monotonic() - started < LONGEST_S, f"input {number}"
    path.write_bytes(good)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < MOST_GROWTH_KB


@pytest.fixture
def people_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three drawn people, in a working folder of their own."""
    monkeypatch.chdir(tmp_path)
    people, images = draw_people_at(tmp_path / "images", 3, seed=0)
    write_people(tmp_path / "people.json", people, images)
    return tmp_path / "people.json"


def test_people(people_file: Path) -> None:
    try_all(people_file, read_people, mutated_json, 1)


@pytest.mark.parametrize("name", WRITTEN)
def test_formats(people_file: Path, name: str) -> None:
    people, images = read_people(people_file)
    known, folder = FORMATS[name], people_file.parent / "images"
    annotations = people_file.parent / "written" / known.annotations
    assert known.write is not None
    known.write(annotations, people, images, folder)
    changed = annotations if annotations.is_file() else sorted(annotations.glob("*.txt"))[0]
    mutate = mutated_json if changed.suffix == ".json" else mutated_bytes
    try_all(changed, lambda _: known.read(annotations, folder, Limits()), mutate, WRITTEN.index(name))


def test_a_tools_archive(people_file: Path) -> None:
    people, images = read_people(people_file)
    known, folder = FORMATS["cvat"], people_file.parent / "images"
    assert known.write is not None
    known.write(people_file.parent / "annotations.xml", people, images, folder)
    archive = people_file.parent / "job.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.write(people_file.parent / "annotations.xml", "annotations.xml")
    try_all(archive, lambda path: known.read(path, folder, Limits()), mutated_bytes, 2)


def test_what_the_project_keeps(people_file: Path) -> None:
    folder = people_file.parent
    people, images = read_people(people_file)
    write_recipe(folder / "recipe.json", MixRecipe(0.5, 0.0, 1))
    try_all(folder / "recipe.json", read_recipe, mutated_json, 3)
    try_all(held_out_file(folder, images), read_held_out, mutated_json, 4)
    registry = Registry().with_champion(entry("a")).with_event(event("a", outcome="promoted"))
    write_registry(folder / "registry.json", registry)
    try_all(folder / "registry.json", read_registry, mutated_json, 5)
    try_all(labelled(people, images).path, read_label_file, mutated_json, 6)


def test_what_rounds_keep(tmp_path: Path) -> None:
    asked = enter_round(tmp_path / "asked", selection_sha256="a" * 64, choice={"budget": 3}, picks={"b": {"rank": 1}})
    try_all(tmp_path / "asked" / f"{asked.selection_sha256[:12]}.json", read_record, mutated_json, 10)
    try_all(write_request(tmp_path, request()), read_request, mutated_json, 11)
    ended = WholeRound(
        number=1, started=asked.at, ended=asked.at, commit="c", inputs="i", uncommitted=("params.yaml",), facts={"a": 1}
    )
    whole = write_whole_round(tmp_path / "rounds", ended)
    try_all(whole, lambda path: read_whole_rounds(path.parents[1]), mutated_json, 12)
    write_selection(tmp_path, {"strategy": "random"}, {"b": {"rank": 1}}, {})
    try_all(tmp_path / "to_label.json", read_manifest, mutated_json, 13)
    lock = {"schema": "2.0", "stages": {"mix": {"cmd": "x", "deps": [{"path": "y", "md5": "z"}]}}}
    (tmp_path / "dvc.lock").write_text(yaml.safe_dump(lock))
    try_all(tmp_path / "dvc.lock", lock_fault, mutated_bytes, 14)


def test_verdicts(people_file: Path, tmp_path: Path) -> None:
    verdict = tmp_path / "verdict.json"
    verdict.write_text(json.dumps(record_with("reason", value="Few people.")))
    try_all(verdict, read_verdict, mutated_json, 15)
    people, images = read_people(people_file)
    found = paired(people, images, people.replace(score=np.ones(len(people), np.float32))).match()
    pictures = ("0" * 12,)
    inputs = ComparedInputs("a", "", "t", "1", pictures_name(pictures), "p", "q", "onnx-cpu", "COCO")
    facts = MeasuredFacts(inputs, pictures, 3, 3, "labelled boxes", (), None, None, None, 1, None, ("all",))
    MeasuredComparison(facts, np.zeros((1, 3), np.int64), {"all": found}, None).write(tmp_path / "evidence.npz")
    try_all(tmp_path / "evidence.npz", MeasuredComparison.read, mutated_bytes, 16)


def test_an_exported_model(tmp_path: Path) -> None:
    meta = ModelMeta(
        network_kwargs=dict(TINY.network_kwargs), network="residual", input_width_px=32, input_height_px=32
    )
    (tmp_path / ONNX_FP32).write_bytes(b"a network")
    write_sidecar(tmp_path, meta, {ONNX_FP32: file_record(tmp_path / ONNX_FP32)}, {"lineage": {}})
    try_all(tmp_path / SIDECAR, lambda path: load_exported(path.parent), mutated_json, 17)


def test_a_model(tmp_path: Path) -> None:
    meta = ModelMeta(
        network_kwargs=dict(TINY.network_kwargs), network="residual", input_width_px=32, input_height_px=32
    )
    save_checkpoint(tmp_path, meta.build(), meta)
    for name, mutate in ((META_NAME, mutated_json), ("model.safetensors", mutated_bytes)):
        try_all(tmp_path / name, lambda _: load_checkpoint(tmp_path), mutate, 7)


def test_params(tmp_path: Path, repository: Path) -> None:
    path = tmp_path / "params.yaml"
    text = (repository / "params.yaml").read_text(encoding="utf-8")
    start, end = text.index("\nfit:"), text.index("\npseudo-label:")
    path.write_text(text[start:end], encoding="utf-8")
    try_all(path, lambda path: load_section(path, "fit-teacher", FitParams, base=BASE), mutated_bytes, 8)


@pytest.mark.parametrize("kind", PICTURES)
def test_pictures(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"picture.{kind.lower()}"
    path.write_bytes(saved(photo(96, 64), kind))
    try_all(path, read_picture, mutated_bytes, PICTURES.index(kind))


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_films(tmp_path: Path, suffix: str) -> None:
    clip = tmp_path / f"clip.{suffix}"
    write_clip(clip, [textured(seed) for seed in range(6)])
    try_all(clip, lambda path: list(iter_frames(path)), mutated_bytes, 9)
