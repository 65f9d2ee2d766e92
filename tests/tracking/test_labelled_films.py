"""Films with known people, and the commands that learn from them and compare on them."""

import json
from pathlib import Path

import numpy as np
import pytest

from dataengine.coco_json import read_project_people, write_people
from dataengine.errors import EnvironmentFault, InputError, ParamsError
from dataengine.people import Images, People
from dataengine.pictures.encoding import write_picture
from dataengine.tracking import labelled_films
from dataengine.tracking.association import read_association
from dataengine.tracking.box_trackers import trackers_library
from dataengine.tracking.compare_trackers import run as compare
from dataengine.tracking.fit_tracker import run as fit
from dataengine.tracking.labelled_films import LabelledFilm, read_films, sightings_of

from .made_people import crossing

FRAMES = 12


def written(folder: Path, films: int = 2, known: bool = True, group: str = "") -> Path:
    """Two people who cross in each film, at ten frames a second; all pictures are of `group`."""
    parts, paths, videos, frames = [], [], [], []
    for number in range(films):
        for frame, seen in enumerate(crossing(number, frames=FRAMES).seen):
            image_id = 1 + number * FRAMES + frame
            path = folder / f"images/{image_id}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_picture(path, np.full((400, 320, 3), 40 + frame, np.uint8))
            paths.append(str(path))
            videos.append(f"film{number}")
            frames.append(frame)
            parts.append(
                People.build(
                    image_id=[image_id] * 2,
                    bbox_xywh_px=seen.boxes_xywh_px,
                    keypoints_px=seen.keypoints_px,
                    visibility=np.full((2, 17), 2),
                    track_id=[4, 7] if known else [-1, -1],
                )
            )
    images = Images.build(
        id=1 + np.arange(len(paths)), path=paths, width=320, height=400, video=videos, frame=frames, group=group
    )
    write_people(folder / "people.json", People.concat(parts), images, info={"fps": 10.0})
    return folder / "people.json"


@pytest.fixture
def clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The labels themselves are what is found in boxes, and by itself."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(labelled_films, "poses_in_boxes", lambda people, images, models: people)
    return written(Path("clips"))


def test_films_are_read_in_order_with_times_and_people(clips: Path) -> None:
    films = read_films(clips)
    assert [film.name for film in films] == ["film0", "film1"]
    assert films[0].time_s[:3] == pytest.approx([0, 0.1, 0.2]) and films[0].fps == pytest.approx(10)
    seen, image, rows = next(iter(sightings_of(films[1], films[1].people)))
    assert len(seen) == 2 and image.shape == (400, 320, 3) and rows.tolist() == [0, 1]
    assert np.nanmax(np.abs(seen.colours * 255 - 40)) < 1


def test_a_track_has_one_sighting_of_a_person_in_a_frame(clips: Path) -> None:
    film = read_films(clips)[0]
    order = np.r_[len(film.people) - 1, 0 : len(film.people)]  # the last person's last sighting comes first, and again
    doubled = LabelledFilm(film.name, film.images, film.people.take(order), film.time_s)
    first, last = doubled.tracks()
    assert (first.identity, last.identity) == (4, 7)
    assert first.frames.tolist() == last.frames.tolist() == list(range(FRAMES))
    assert last.rows[-1] == 0 and doubled.people.track_id[last.rows].tolist() == [7] * FRAMES


def test_people_without_identity_are_refused_unless_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="track_id"):
        read_films(written(Path("clips"), films=1, known=False))


@pytest.mark.parametrize("stated", ["fast", None, 0, -25.0, float("nan"), 1e30, [25]])
def test_a_rate_that_is_none_is_refused(clips: Path, stated: object) -> None:
    record = json.loads(clips.read_text())
    clips.write_text(json.dumps({**record, "info": {"fps": stated}}))
    with pytest.raises(InputError, match=r"people\.json: info\.fps is none: expected 1e-05 to 100000 frames a second"):
        read_films(clips)


def test_times_that_do_not_grow_are_refused(clips: Path) -> None:
    people, images = read_project_people(clips)
    write_people(clips, people, images.replace(time_s=10.0 - images.frame))
    with pytest.raises(InputError, match=r"times of film0 do not grow: .* got frame 0 at 10 s and frame 1 at 9"):
        read_films(clips)


def test_a_tracker_is_fitted_and_its_lineage_kept(clips: Path) -> None:
    facts = fit(clips, Path("tracker.yaml"), first=1)
    assert facts["films"] == 1 and facts["right"] > 0.95
    assert len(read_association(Path("tracker.yaml")).weights) == 10
    with pytest.raises(ParamsError, match="first"):
        fit(clips, Path("tracker.yaml"), first=-1)


def test_without_the_library_the_comparison_says_how_to_install_it(
    clips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "trackers", None)
    with pytest.raises(EnvironmentFault, match="--no-deps trackers"):
        compare([clips], Path("report"))


def test_the_comparison_counts_what_the_library_counts(clips: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        trackers_library()
    except EnvironmentFault as fault:
        pytest.skip(str(fault))
    from dataengine.tracking import compare_trackers

    monkeypatch.setattr(compare_trackers, "found_by_blazepose", lambda film, models: film.people)
    fit(clips, Path("tracker.yaml"))
    rows = compare([clips], Path("report"), weights=Path("tracker.yaml"), missing=0.0)
    assert len(rows) == 2 * 6 and {(row.film_count, row.scene_count) for row in rows} == {(2, 2)}
    best = next(row for row in rows if row.tracker == "keypoints")
    assert best.figures.hota_oks == pytest.approx(1.0) and best.figures.switches == 0 and best.figures.tracks == 4
    page = Path("report/tracking.md").read_text()
    assert "| keypoints | 1.000 | 1.000" in page and "bytetrack" in page
    assert best.figures.interval_oks == pytest.approx((1, 1))
    alone = compare([written(Path("cameras"), group="walk")], Path("report"), missing=0.0)
    assert {(row.film_count, row.scene_count) for row in alone} == {(2, 1)}
    assert np.isnan([row.figures.interval_oks for row in alone]).all()
