"""The command on made films whose teacher errs where its mirror image disagrees."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from dataengine.errors import ParamsError
from dataengine.judges import compare_judges, kept, ranking
from dataengine.judges.answers import TeacherAnswers
from dataengine.judges.compare_judges import run
from dataengine.judges.table import CONFIDENCE, FLIP, TEACHERS, TOGETHER
from dataengine.judges.together import learned_together
from dataengine.people import Images, People
from dataengine.tracking.labelled_films import joined_films, read_films

from ..tracking.test_labelled_films import written


def erring(people: People, seed: int) -> TeacherAnswers:
    """One joint in five is far off, and the mirror image names another place for it; confidence says nothing."""
    rng = np.random.default_rng(seed)
    truth = people.keypoints_px.astype(np.float64)
    wrong = rng.random(truth.shape[:2]) < 0.2
    off = np.where(wrong[..., None], rng.choice([-1, 1], truth.shape) * 60.0, 0.0)
    noise = rng.normal(0, 0.5, (6, *truth.shape))
    mirrored = truth - off + noise[1]
    return TeacherAnswers(truth + off + noise[0], rng.random(wrong.shape), mirrored, truth + off + noise[2:])


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which teacher was asked, each time."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ranking, "RESAMPLES", 20)
    calls = list[str]()

    def blazepose(people: People, images: Images, models: Path) -> TeacherAnswers:
        calls.append("blazepose")
        return erring(people, int(images.id[0]))

    def network(folder: Path, people: People, images: Images) -> TeacherAnswers:
        calls.append(folder.name)
        return erring(people, 1000 + int(images.id[0]))

    monkeypatch.setattr(kept, "blazepose_answers", blazepose)
    monkeypatch.setattr(kept, "network_answers", network)
    return calls


def test_the_page_ranks_judges_and_asks_nobody_twice(asked: list[str]) -> None:
    clips = written(Path("clips"), films=3)
    Path("net").mkdir()
    Path("net/model.json").write_text("{}")
    rows = run([clips], Path("report"), teacher=Path("net"), first=2)
    assert asked == ["blazepose", "net"] * 2
    of = {(row.teacher, row.judge): row for row in rows}
    assert {row.teacher for row in rows} == {"blazepose", "net"} and {row.film_count for row in rows} == {2}
    assert of["blazepose", FLIP].figures.auroc > 0.99 and of["blazepose", TOGETHER].figures.auroc > 0.97
    assert abs(of["blazepose", CONFIDENCE].figures.auroc - 0.5) < 0.1
    assert 0.6 < of["net", TEACHERS].figures.auroc < 0.98, "the other teacher errs, too"
    assert of["net", FLIP].wrong == pytest.approx(0.2, abs=0.05)
    page = Path("report/judges.md").read_text()
    assert "| flip | " in page and "clips/people.json: net" in page
    assert run([clips], Path("report"), teacher=Path("net"), first=2) == rows
    assert len(asked) == 4, "the answers are kept"
    next(Path("report/answers").glob("*.npz")).write_bytes(b"half a file")
    run([clips], Path("report"), teacher=Path("net"), first=2)
    assert len(asked) == 5, "a damaged one is asked for again"
    picture = Path("clips/images/1.png")
    before = picture.read_bytes()
    picture.write_bytes(Path("clips/images/2.png").read_bytes())
    run([clips], Path("report"), teacher=Path("net"), first=2)
    assert asked[5:] == ["blazepose", "net"], "a picture that has changed under its name"
    del asked[5:]
    picture.write_bytes(before)
    Path("net/model.onnx").write_bytes(b"a network")
    run([clips], Path("report"), teacher=Path("net"), first=2)
    Path("net/model.json").write_text('{"contract": "another decoder"}')
    run([clips], Path("report"), teacher=Path("net"), first=2)
    assert asked[5:] == ["net"] * 4, "another network, or another way to read it"
    models = Path("fetched/mediapipe")
    models.mkdir(parents=True)
    for content in (b"one", b"other"):
        (models / "pose_landmark.tflite").write_bytes(content)
        run([clips], Path("report"), fetched=Path("fetched"), first=1)
    assert asked[9:] == ["blazepose"] * 2
    with pytest.raises(ParamsError, match="first"):
        run([clips], Path("report"), first=-1)


def grouped(path: Path, groups: Mapping[str, str]) -> Path:
    """The same file with films that were taken together."""
    record = json.loads(path.read_text())
    for image in record["images"]:
        image |= {"group": groups[image["video"]]} if image["video"] in groups else {}
    path.write_text(json.dumps(record))
    return path


def test_films_that_were_taken_together_are_one_scene(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    taught = list[int]()

    def counted(signs: list[np.ndarray], right: list[np.ndarray]) -> Callable[[np.ndarray], np.ndarray] | None:
        taught.append(len(right))
        return learned_together(signs, right)

    monkeypatch.setattr(compare_judges, "learned_together", counted)
    clips = written(Path("clips"), films=3)
    apart = {row.judge: row.figures for row in run([clips], Path("report"))}
    rows = run([grouped(clips, {"film0": "hall", "film1": "hall"})], Path("report"))
    assert {(row.film_count, row.scene_count) for row in rows} == {(3, 2)}
    of = {row.judge: row.figures for row in rows}
    assert of[FLIP].auroc == apart[FLIP].auroc and of[FLIP].risk == apart[FLIP].risk
    assert taught == [4, 4, 4, 2, 4], "tracks: learned on the two other films, then on the other scene"
    assert of[CONFIDENCE].interval != apart[CONFIDENCE].interval
    assert "3 films of 2 scenes, " in Path("report/judges.md").read_text()


def test_of_one_scene_the_page_says_that_there_is_no_interval(asked: list[str]) -> None:
    clips = grouped(written(Path("clips"), films=2), {"film0": "hall", "film1": "hall"})
    rows = run([clips], Path("report"))
    assert {(row.film_count, row.scene_count) for row in rows} == {(2, 1)}
    assert all(np.isnan(row.figures.interval).all() for row in rows)
    assert TOGETHER in {row.judge for row in rows}, "learned on the scene's other film"
    page = Path("report/judges.md").read_text().replace("\n", " ")
    assert "2 films of 1 scene, " in page and "One scene has no interval" in page and " to 0." not in page


def test_parts_of_a_film_are_one(asked: list[str]) -> None:
    films = read_films(written(Path("clips"), films=1))
    first, second = (
        type(film)(
            film.name,
            film.images.take(rows),
            film.people.take(np.isin(film.people.image_id, film.images.id[rows])),
            film.time_s[rows],
        )
        for film, rows in ((films[0], np.arange(6, 12)), (films[0], np.arange(6)))
    )
    (whole,) = joined_films([first, second])
    assert whole.images.frame.tolist() == list(range(12)) and len(whole.people) == 24
    assert whole.time_s.tolist() == films[0].time_s.tolist()
    at = whole.images.rows_of(whole.people.image_id)
    order = np.argsort(at, kind="stable")
    np.testing.assert_array_equal(whole.people.keypoints_px[order], films[0].people.keypoints_px)
