"""Films written here, labelled in a stream: the same labels however often it is stopped, and an outcome for each."""

import json
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dataengine.coco_json import read_people, write_people
from dataengine.errors import InputError
from dataengine.films.coco_lines import annotation_records
from dataengine.films.detectors import BoxesOfFile
from dataengine.people import Images, People
from dataengine.tracking.association import read_association
from dataengine.train.film.estimating import estimated
from dataengine.train.film.label_film import LABELS, NOBODY_FOUND, label_film
from dataengine.train.film.locating import Locator
from dataengine.train.film.overlay import write_overlay
from dataengine.train.pseudo.filters import JUMPED
from dataengine.video.decoding import Frame, iter_frames

from ...helpers.clips import turned, write_clip
from .made_film import PARAMS, BlockDetector, BoxTeacher, blocks, film, labeller


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film(tmp_path_factory.mktemp("walk") / "walk.mp4")


def test_labels_are_where_people_are_with_one_track_each(walk: Path, tmp_path: Path) -> None:
    detector = BlockDetector()
    metrics = label_film(walk, tmp_path / "out", labeller(detector))
    people, images = read_people(tmp_path / "out" / LABELS)
    frame = images.frame[images.rows_of(people.image_id)]
    assert frame.tolist() == list(range(200)) and set(people.track_id.tolist()) == {0}
    first = people.keypoints_px[:, 0] - [2.4, 4.0]
    np.testing.assert_allclose(first, [blocks(index)[0] for index in range(200)], atol=1.1)
    assert detector.asked == 51, "every fourth frame, and the last one"
    assert (metrics["frames"], metrics["people_kept"], metrics["outcome"]) == (200, 200, "labelled")
    assert metrics["people_found"] == 201, "the other one was there at frame 40 alone"
    assert metrics["people_dropped"]["track_break"] == 1
    assert metrics["joints"]["kept"] == sum(metrics["joints"].values()) - metrics["joints"][JUMPED]
    assert not (tmp_path / "out/.partial").exists()


@pytest.mark.parametrize("stops", [(1,), (70,), (130, 20), (199,)])
def test_a_film_that_was_stopped_goes_on_and_ends_the_same(walk: Path, tmp_path: Path, stops: tuple[int, ...]) -> None:
    label_film(walk, tmp_path / "whole", labeller())
    looked = 0
    for stop_at in stops:
        teacher = BoxTeacher(stop_at)
        with pytest.raises(KeyboardInterrupt):
            label_film(walk, tmp_path / "parts", labeller(teacher=teacher))
        looked += stop_at
        partial = tmp_path / "parts/.partial"
        assert (partial / "images.jsonl").exists()
        with (partial / "annotations.jsonl").open("ab") as file:
            file.write(b'{"half a rec')  # what a killed process leaves
    last = BoxTeacher()
    label_film(walk, tmp_path / "parts", labeller(teacher=last))
    assert last._looked < 200 or max(stops) < 64, "it did not begin again"
    for name in (LABELS, "metrics.json"):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_finished_film_is_left_and_other_params_label_it_again(walk: Path, tmp_path: Path) -> None:
    label_film(walk, tmp_path, labeller())
    idle = BoxTeacher()
    label_film(walk, tmp_path, labeller(teacher=idle))
    assert idle._looked == 0
    other = BoxTeacher()
    metrics = label_film(walk, tmp_path, labeller(teacher=other, every=2))
    assert other._looked == metrics["frames"] == 100


def test_no_more_than_a_few_frames_are_held(walk: Path) -> None:
    alive: weakref.WeakSet[Frame] = weakref.WeakSet()
    most = 0

    def watched() -> object:
        nonlocal most
        for frame in iter_frames(walk):
            alive.add(frame)
            most = max(most, len(alive))
            yield frame

    locate = Locator(BlockDetector(), min_overlap=0.3, max_gap=10)
    chunks = [chunk for chunk, _ in estimated(locate(watched()), [BoxTeacher()])]  # type: ignore[arg-type]
    assert sum(len(chunk.frame) for chunk in chunks) == 200 and len(chunks) > 2
    assert most <= 7


def test_a_film_without_people_and_one_frame_have_empty_labels(tmp_path: Path) -> None:
    metrics = label_film(film(tmp_path / "empty.mp4", 9, people=False), tmp_path / "out", labeller())
    assert (metrics["outcome"], metrics["frames"]) == (NOBODY_FOUND, 9)
    people, images = read_people(tmp_path / "out" / LABELS)
    assert len(people) == len(images) == 0
    one = label_film(film(tmp_path / "one.mp4", 1), tmp_path / "one", labeller())
    assert (one["frames"], one["people_found"], one["people_kept"]) == (1, 1, 1), "one frame cannot be followed"


@pytest.mark.parametrize("content", [b"", b"no film", b"\0" * 5000])
def test_what_is_not_a_film_is_refused_and_leaves_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.mp4").write_bytes(content)
    with pytest.raises(InputError, match=r"bad\.mp4"):
        label_film(tmp_path / "bad.mp4", tmp_path / "out", labeller())
    assert not (tmp_path / "out").exists()


def test_a_turned_film_is_labelled_as_players_show_it(walk: Path, tmp_path: Path) -> None:
    label_film(turned(walk, 1), tmp_path, labeller())
    _, images = read_people(tmp_path / LABELS)
    assert set(zip(images.width.tolist(), images.height.tolist(), strict=True)) == {(120, 160)}


def test_boxes_of_a_file_are_those_of_its_frames(tmp_path: Path) -> None:
    images = Images.build(
        id=[5, 6],
        path=[str(tmp_path / name) for name in ("a.jpg", "b.jpg")],
        width=160,
        height=120,
        video="walk",
        frame=[0, 7],
    )
    boxes = [[1, 2, 30, 40], [5, 6, 10, 10], [0, 0, 0, 9]]
    people = People.build(
        image_id=[5, 6, 6], bbox_xywh_px=boxes, keypoints_px=np.zeros((3, 17, 2)), visibility=np.zeros((3, 17))
    )
    write_people(tmp_path / "boxes.json", people, images)
    of_file = BoxesOfFile(tmp_path / "boxes.json")
    none = np.zeros((9, 9, 3), np.uint8)
    assert [of_file.boxes(index, none).tolist() for index in (0, 3, 7)] == [boxes[:1], [], boxes[1:2]]
    write_people(tmp_path / "pictures.json", people, images.replace(frame=-1))
    with pytest.raises(InputError, match="frame"):
        BoxesOfFile(tmp_path / "pictures.json")
    write_people(tmp_path / "films.json", people, images.replace(video=["walk", "run"]))
    with pytest.raises(InputError, match="several films: expected one film in a file, got 2: run, walk"):
        BoxesOfFile(tmp_path / "films.json")


def test_people_are_followed_by_their_joints_across_a_stop(walk: Path, tmp_path: Path) -> None:
    """Each walker keeps one identity, whether or not the call was stopped in between."""
    by_joints = replace(labeller(), association=read_association())
    label_film(walk, tmp_path / "whole", by_joints)
    stopped = replace(labeller(teacher=BoxTeacher(130)), association=by_joints.association)
    with pytest.raises(KeyboardInterrupt):
        label_film(walk, tmp_path / "parts", stopped)
    label_film(walk, tmp_path / "parts", replace(labeller(), association=by_joints.association))
    whole, parts = ((tmp_path / name / LABELS).read_bytes() for name in ("whole", "parts"))
    assert whole == parts
    people, _ = read_people(tmp_path / "whole" / LABELS)
    assert set(people.track_id.tolist()) == {0}


def test_the_overlay_has_every_frame_at_its_time_with_people_drawn(tmp_path: Path) -> None:
    """Its times are uneven and its sides odd."""
    ticks = [0, 100, 400, 500, 900, 1000]
    frames = [np.zeros((121, 161, 3), np.uint8) for _ in ticks]
    for index, image in enumerate(frames):
        image[20:60, 30 + index : 54 + index] = 255
    clip = write_clip(tmp_path / "uneven.mkv", frames, ticks=ticks)
    label_film(clip, tmp_path, labeller(BlockDetector(every=1)))
    assert len(list(annotation_records(tmp_path / LABELS))) == 6
    path = write_overlay(clip, tmp_path / LABELS, tmp_path)
    shown = list(iter_frames(path))
    expected = [frame.pts_s for frame in iter_frames(clip)]
    np.testing.assert_allclose([frame.pts_s for frame in shown], expected, atol=0.002)
    assert shown[0].image_bgr.shape == (120, 160, 3)
    colourful = [np.ptp(frame.image_bgr.astype(int), axis=2).max() for frame in shown]
    assert min(colourful) > 80, "skeletons have colours, the film is black and white"


def test_people_who_cross_a_chunk_are_judged_with_their_neighbours(tmp_path: Path) -> None:
    """A jump in the last frame of a chunk is seen by the frame after it."""

    class Jumping(BoxTeacher):
        frame = 0

        def look(self, image_bgr: np.ndarray, boxes_xywh_px: np.ndarray) -> None:
            super().look(image_bgr, boxes_xywh_px + (9 if self.frame == 63 else 0))
            self.frame += 1

    metrics = label_film(film(tmp_path / "walk.mp4", 100), tmp_path, labeller(teacher=Jumping()))
    assert metrics["joints"][JUMPED] >= 17
    jumped = [r for r in annotation_records(tmp_path / LABELS) if "jumped" in r["reasons"]]
    assert PARAMS.temporal_tolerance < 9 / 31 and {record["image_id"] - 1 for record in jumped} <= {62, 64}
    assert 63 not in {record["image_id"] - 1 for record in annotation_records(tmp_path / LABELS)}


def test_labels_json_is_one_annotation_a_line(walk: Path, tmp_path: Path) -> None:
    label_film(walk, tmp_path, labeller())
    document = json.loads((tmp_path / LABELS).read_text())
    assert list(annotation_records(tmp_path / LABELS)) == document["annotations"]
    assert [record["id"] for record in document["annotations"]] == list(range(1, 201))
