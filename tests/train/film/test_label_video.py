"""The command: several films, of which one is broken, a network of random weights, and boxes from a file."""

import json
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from dataengine.coco_json import read_people, write_people
from dataengine.errors import InputError
from dataengine.films import detectors
from dataengine.nets.checkpoint import ModelMeta, save_checkpoint
from dataengine.parallel.parallel_map import parallel_map
from dataengine.people import Images, People
from dataengine.train import label_video
from dataengine.train.film.choices import chosen_detector, chosen_teachers
from dataengine.train.film.film_work import FilmWork
from dataengine.train.trust.learning import learn_trust
from dataengine.train.trust.rule import write_trust

from ..trust.made_people import ASKED, FILTERS, made
from .made_film import PARAMS, BlockDetector, blocks, film

SURE = replace(PARAMS, fitted_confidence=0.0, flip_tolerance=9.0, temporal_tolerance=9.0)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    meta = ModelMeta("residual-simcc", {"channels": [8, 8], "blocks": [1, 1]}, input_width_px=32, input_height_px=32)
    for name in ("one", "two"):
        save_checkpoint(Path(name), meta.build(), meta)
    film(Path("walk.mp4"), 30)
    monkeypatch.setattr(detectors, "BlazePoseDetector", lambda models, every, threads: BlockDetector(every))
    return tmp_path


def run(films: list[str], **options: Any) -> list[dict[str, Any]]:
    paths = [Path(name) for name in films]
    return label_video.run(SURE, films=paths, out=Path("out"), **{"models": ("one",), **options})


def test_a_broken_film_is_refused_and_the_others_are_labelled(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("broken.mp4").write_bytes(b"nothing of a film")
    with pytest.raises(InputError, match="1 of 3 films refused"):
        run(["broken.mp4", "walk.mp4", "walk.mp4"], overlay=True)
    outcomes = json.loads(Path("out/films.json").read_text())
    assert [outcome["outcome"] for outcome in outcomes] == ["refused", "labelled", "labelled"]
    assert "broken.mp4" in outcomes[0]["why"] and "Traceback" not in outcomes[0]["why"]
    (folder,) = Path("out").glob("walk-sha*")
    people, images = read_people(folder / "labels.json")
    assert len(people) == len(images) == 30 and (people.source == "pseudo").all()
    assert next(folder.glob("overlay.*")).stat().st_size > 1000
    said = capsys.readouterr()
    assert "broken.mp4: refused" in said.out and "30 of 30 people kept" in said.out
    assert "no --val is given; the thresholds" in said.err


def test_a_missing_film_is_refused_too(project: Path) -> None:
    with pytest.raises(InputError, match=r"missing\.mp4"):
        run(["missing.mp4"])


def boxes_of_walk() -> None:
    """Boxes of every third frame."""
    frames = np.arange(0, 30, 3)
    images = Images.build(
        id=frames, path=[f"{f}.jpg" for f in frames], width=160, height=120, video="walk", frame=frames
    )
    boxes = [[*blocks(int(frame))[0], 24, 40] for frame in frames]
    nothing: dict[str, Any] = {"keypoints_px": np.zeros((10, 17, 2)), "visibility": np.zeros((10, 17))}
    write_people(Path("boxes.json"), People.build(image_id=frames, bbox_xywh_px=boxes, **nothing), images)


def test_boxes_of_another_detector_are_used(project: Path) -> None:
    boxes_of_walk()
    (outcome,) = run(["walk.mp4"], boxes=Path("boxes.json"))
    assert (outcome["people_found"], outcome["frames"], outcome["detector"]) == (10, 30, "boxes.json")
    with pytest.raises(InputError, match="one film"):
        run(["walk.mp4", "walk.mp4"], boxes=Path("boxes.json"))


def test_other_processes_write_the_same_labels_and_a_film_by_two_names_once(project: Path) -> None:
    boxes_of_walk()
    run(["walk.mp4"], boxes=Path("boxes.json"))
    (labels,) = Path("out").glob("walk-sha*/labels.json")
    Path("again").mkdir()
    shutil.copy("walk.mp4", "again/walk.mp4")
    work = FilmWork(
        open_teachers=partial(chosen_teachers, ("one",), Path("none"), views=False),
        choose_detector=partial(
            chosen_detector, "blazepose", Path("none"), boxes=Path("boxes.json"), least_score=None, every=1
        ),
        association=None,
        rule=None,
        params=SURE,
        every=1,
        decides="here",
        out=Path("others"),
        overlay=False,
    )
    assert work.teachers and "teachers" not in work.__getstate__()
    films = [Path("walk.mp4"), Path("again/walk.mp4"), Path("missing.mp4")]
    threads = torch.get_num_threads()
    first, second, missing = parallel_map(work, films, description="films", workers=2, threads=threads)
    assert {**first, "file": ""} == {**second, "file": ""} and first["frames"] == 30
    assert missing["outcome"] == "refused"
    written = json.loads((Path("others") / labels.parent.name / "labels.json").read_text())
    assert written["annotations"] == json.loads(labels.read_text())["annotations"]


@pytest.mark.parametrize(("cluster", "workers"), [(None, 1), ("10.0.0.5:6379", None)])
def test_films_take_turns_here_and_fill_a_cluster(
    project: Path, monkeypatch: pytest.MonkeyPatch, cluster: str | None, workers: int | None
) -> None:
    asked: dict[str, Any] = {}

    def note(work: Any, films: list[Path], **terms: Any) -> list[dict[str, Any]]:
        asked.update(terms)
        return []

    monkeypatch.setattr(label_video, "parallel_map", note)
    run(["walk.mp4", "walk.mp4"], cluster=cluster)
    assert (asked["cluster"], asked["workers"], asked["threads"]) == (cluster, workers, torch.get_num_threads())


def test_an_ensemble_is_judged_by_the_trust_of_these_models_alone(project: Path) -> None:
    known, _ = made(60, seed=0, teachers=2)
    learnt = learn_trust(known, ("one", "two"), ASKED, FILTERS)
    assert not isinstance(learnt, str)
    write_trust(Path("trust.json"), learnt[0])
    (outcome,) = run(["walk.mp4"], models=("one", "two"), trust=Path("trust.json"))
    assert outcome["trust"] == "precision 0.9" and outcome["people_found"] == 30
    with pytest.raises(InputError, match="of other models"):
        run(["walk.mp4"], models=("two", "one"), trust=Path("trust.json"))
    with pytest.raises(InputError, match="exclude each other"):
        run(["walk.mp4"], trust=Path("trust.json"), val=Path("val.json"))
    with pytest.raises(InputError, match="one name"):
        run(["walk.mp4"], models=("one", "one"))
    with pytest.raises(InputError, match="--every"):
        run(["walk.mp4"], every=0)
