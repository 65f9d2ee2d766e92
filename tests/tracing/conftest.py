"""A project after a round, made by the commands themselves, with sets as the stages write them."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dataengine.active.label_export import run as label_export
from dataengine.active.label_import import run as label_import
from dataengine.active.labelling.sent import sent_path
from dataengine.active.labelling.untouched import LabelImportParams
from dataengine.active.selection import run as select
from dataengine.coco_json import read_people, write_people
from dataengine.columns import object_column
from dataengine.files import sha256_file, write_json
from dataengine.leakage.film_names import film_name
from dataengine.mixing import MixRecipe, write_recipe
from dataengine.nets.learnt_pictures import write_learnt_pictures
from dataengine.people import Images, People
from dataengine.registry.records import Registry
from dataengine.registry.registry_file import write_registry

from ..active.conftest import make_project, write_set
from ..active.selecting import PARAMS
from ..helpers.held_out import held_out_file
from ..registry.test_records import entry, event

INGEST, RENDER, ROUNDS, LABELS = (Path(f"data/{name}") for name in ("ingest", "render", "rounds", "labels"))
SELECTION, TOOL, PIPELINE = Path("data/select"), Path("tool/round.json"), Path("dvc.yaml")
IMPORT = LabelImportParams(moved_px=1.0, max_untouched_share=0.95, untouched="refuse", untouched_weight=0.5)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Iterator[Path]:
    """A project after a round: selected, sent out, half of it labelled, and fitted again. Tests only read it."""
    with pytest.MonkeyPatch.context() as patch:
        root = tmp_path_factory.mktemp("traced")
        patch.chdir(root)
        for name in ("dvc.yaml", "params.yaml"):
            shutil.copy(repository / name, root)
        make_sets(root)
        for _ in range(2):  # the same selection again is the same round
            select(
                PARAMS,
                student=Path("models/fit-student"),
                candidates=Path("data/pseudo-label/candidates.json"),
                labelled=INGEST / "train.json",
                val=INGEST / "val.json",
                out=SELECTION,
                report=Path("reports/select"),
                labels=LABELS,
                rounds=ROUNDS,
            )
        label_export(selection=SELECTION, out=TOOL, format_name="label-studio")
        answer_half()
        label_import(IMPORT, labels=TOOL, sent=sent_path(TOOL), out=LABELS)
        make_models()
        yield root


def make_sets(root: Path) -> None:
    """What ingest, render, pseudo-label and mix leave; the pool is frames of a film among the fetched ones."""
    film = Path("data/fetch/films/clip.mp4")
    film.parent.mkdir(parents=True)
    film.write_bytes(b"a film")
    video = film_name(film, sha256_file(film))
    made = make_project(root)
    write_set(INGEST / "pool.json", list(range(0, 60, 5)), video, seed=1, people_per_image=2, source="pseudo")
    write_set(INGEST / "train.json", [0, 1, 2, 3], "studio.mp4", seed=2)
    write_set(INGEST / "val.json", [10, 11], "studio.mp4", seed=3)
    write_set(INGEST / "test.json", [20, 21], "studio.mp4", seed=4)
    write_set(RENDER / "people.json", [0, 1], "", seed=5, source="synthetic")
    shutil.copytree(made.student, "models/fit-student")
    people, pool = read_people(INGEST / "pool.json", root=root)
    pool = pool.replace(id=10_000_001 + np.arange(len(pool)), time_s=pool.frame / 30)
    people = people.replace(image_id=people.image_id + 10_000_001)
    reasons = np.full((len(people), 17), "kept", dtype=object)
    reasons[:, 3], reasons[:, 4] = "unsure", "unsteady"
    kept = np.arange(len(people)) % 2 == 0
    candidates = people.with_extra("kept", kept).with_extra("reasons", [list(each) for each in reasons])
    candidates = candidates.with_extra("dropped_for", np.where(kept, "", "few joints"))
    write_people(Path("data/pseudo-label/candidates.json"), candidates, pool)
    write_people(INGEST / "pool.json", People.empty(), pool)
    address = f"{sha256_file(film)}#0@0"
    write_json(INGEST / "pool_frames.json", dict.fromkeys(map(str, pool.id.tolist()), address))
    write_json(INGEST / "test.lock.json", {"version": "3"})
    _, test = read_people(INGEST / "test.json", root=root)
    held_out_file(INGEST, test)
    left_out = {
        "check": "leak",
        "table": "images",
        "id": "9",
        "reason": "near duplicate of a.png",
        "severity": "quarantine",
    }
    write_json(Path("reports/ingest/quality.json"), {"findings": [{**left_out, "file": "mine/twin.png"}], "pool": {}})
    make_render_and_mix(root)


def make_render_and_mix(root: Path) -> None:
    rendered, pictures = read_people(RENDER / "people.json", root=root)
    named: dict[str, list[object]] = {"pose_name": ["plank"] * 2, "seed": [7] * 2, "image_index": [0, 1]}
    for name, column in named.items():
        rendered = rendered.with_extra(name, object_column(column))
    (RENDER / "images").mkdir()
    paths = [
        str(shutil.copy(path, RENDER / "images" / f"{n:06d}.png")) for n, path in enumerate(pictures.path.tolist())
    ]
    pictures = pictures.replace(path=[str(root / path) for path in paths], video=["", ""], frame=[-1, -1])
    write_people(RENDER / "people.json", rendered, pictures)
    for number, path in enumerate(paths):
        scene = {"index": number, "hdri": "night", "floor": "sand", "fingerprint": "ecf06bec91a1" + "0" * 52}
        write_json(RENDER / f"sidecars/{number:06d}.json", scene | {"image_sha256": sha256_file(Path(path))})
    real, frames = read_people(INGEST / "train.json", root=root)
    mixed = People.concat([real, rendered.replace(image_id=rendered.image_id + 100)])
    for name, values in {"cluster": [2] * 6, "repeat_factor": [3.0, *[1.0] * 5], "rarity": [0.9] * 6}.items():
        mixed = mixed.with_extra(name, np.array(values))
    joined = Images.concat([frames, pictures.replace(id=pictures.id + 100)])
    info = {"stage": "mix", "params": {"labels": []}}
    write_people(Path("data/mix/train.json"), mixed, joined, info=info)
    write_recipe(Path("data/mix/recipe.json"), MixRecipe(synthetic_per_real=0.5, pseudo_per_real=0.0, seed=0))


def answer_half() -> None:
    """Anna corrects the two most wanted pictures in Label Studio, in 40 s each, and leaves the others."""
    tasks = json.loads(TOOL.read_text())[:2]
    for task in tasks:
        (prediction,) = task.pop("predictions")
        for region in prediction["result"]:
            if region["type"] == "keypointlabels":
                region["value"]["x"] += 2.0  # per cent of the width
        by = {"completed_by": {"email": "anna"}, "lead_time": 40.0}
        task["annotations"] = [{**by, "result": prediction["result"]}]
    TOOL.write_text(json.dumps(tasks))


def make_models() -> None:
    """A teacher that learnt from nothing, a student and a champion from all training pictures, an archived one that is
    not here."""
    learnt = [sha256_file(path) for path in Path("data/ingest/train_images").iterdir()]
    write_learnt_pictures(Path("models/fit-student"), learnt)
    Path("models/fit-teacher").mkdir()
    write_learnt_pictures(Path("models/fit-teacher"), [])
    weights = json.loads(next(ROUNDS.iterdir()).read_text())["choice"]["student_sha256"]
    write_learnt_pictures(make_folder("models/registry/new"), learnt)
    registry = Registry().with_champion(entry("old")).with_event(event("old", "c1", "promoted"))
    champion = replace(entry("new"), lineage={"student_sha256": weights})
    write_registry(
        Path("models/registry.json"), registry.with_champion(champion).with_event(event("new", "c2", "promoted"))
    )


def make_folder(name: str) -> Path:
    Path(name).mkdir(parents=True)
    return Path(name)
