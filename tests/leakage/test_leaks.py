"""What is held out is recognised by its bytes, its place in a recording, and by sight; all else is let through."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from dataengine.errors import InputError
from dataengine.leakage.contents import Contents, contents_of
from dataengine.leakage.held_out import HeldOutSet, read_held_out, write_held_out
from dataengine.leakage.leaks import find_leaks, refuse_held_out
from dataengine.people import Images

from ..helpers.clips import textured
from ..helpers.held_out import RULE, held_out_file, held_out_set


def images_of(paths: list[Path], *, video: str = "", first_frame: int = -1) -> Images:
    frames = [first_frame + row if video else -1 for row in range(len(paths))]
    return Images.build(
        id=np.arange(len(paths)), path=list(map(str, paths)), width=128, height=96, video=video, frame=frames
    )


def scenes(folder: Path, seeds: range) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        assert cv2.imwrite(str(folder / f"{seed}.jpg"), textured(seed))
    return [folder / f"{seed}.jpg" for seed in seeds]


@pytest.fixture
def test_set(tmp_path: Path) -> Images:
    return images_of(scenes(tmp_path / "test", range(6)))


def test_copies_are_found_by_bytes_and_encoded_again_by_sight(tmp_path: Path, test_set: Images) -> None:
    copy, encoded, smaller, other = (tmp_path / name for name in ("copy.jpg", "again.jpg", "half.png", "other.jpg"))
    copy.write_bytes(Path(test_set.path[1]).read_bytes())
    with Image.open(test_set.path[2]) as picture:
        picture.save(encoded, quality=60)
        picture.resize((64, 48)).save(smaller)
    assert cv2.imwrite(str(other), textured(99))
    leaks = find_leaks(held_out_set(test_set), contents_of(images_of([other, copy, encoded, smaller])))
    assert [(leak.row, leak.held_row, leak.kind) for leak in leaks] == [
        (1, 1, "same file"),
        (2, 2, "near duplicate"),
        (3, 2, "near duplicate"),
    ]
    assert {leak.split for leak in leaks} == {"test"}


@pytest.mark.parametrize(("frame", "leaks"), [(5, False), (6, True), (14, True), (19, True), (20, False)])
def test_frames_of_the_recording_are_judged_by_time_alone(tmp_path: Path, frame: int, leaks: bool) -> None:
    """A still camera: frames 10 to 15 are held out, and every other frame looks the same."""
    paths = scenes(tmp_path / "film", range(1)) * 6
    film = held_out_set(images_of(paths, video="a.mp4", first_frame=10), video_sha256={"a.mp4": "a" * 64})
    again = tmp_path / "again.jpg"
    assert cv2.imwrite(str(again), textured(0), (cv2.IMWRITE_JPEG_QUALITY, 70))
    table = images_of([again], video="a.mp4", first_frame=frame)
    seen = contents_of(table)
    for sha256 in ("", "a" * 64):
        known = Contents.build(seen.sha256, seen.thumbnails, table, {"a.mp4": sha256})
        assert [leak.kind for leak in find_leaks(film, known)] == ["same video"] * leaks
    renamed = Contents.build(seen.sha256, seen.thumbnails, table.replace(video="b.mp4"), {"b.mp4": "a" * 64})
    assert [leak.kind for leak in find_leaks(film, renamed)] == ["same video"] * leaks
    another = Contents.build(seen.sha256, seen.thumbnails, table, {"a.mp4": "c" * 64})
    assert [leak.kind for leak in find_leaks(film, another)] == ["near duplicate"], "one name, two films"


def test_videos_that_are_split_whole_are_held_out_whole(tmp_path: Path) -> None:
    rule = replace(RULE, gap_frames=None)
    film = held_out_set(images_of(scenes(tmp_path / "a", range(2)), video="clips/a.mp4", first_frame=0), rule)
    seen = contents_of(images_of(scenes(tmp_path / "b", range(7, 9)), video="a.mp4", first_frame=900))
    leaks = find_leaks(film, seen)
    assert [leak.kind for leak in leaks] == ["same video", "same video"]
    assert leaks[0].reason == "a frame of a.mp4, which is held out whole for test"


@given(st.lists(st.integers(0, 1 << 10), min_size=1, max_size=40), st.lists(st.integers(0, 9), max_size=40))
def test_near_duplicates_are_those_that_comparing_all_pairs_finds(ours: list[int], theirs: list[int]) -> None:
    """The independent reference: hash by ImageHash, correlation by numpy, pair by pair."""
    import imagehash

    rng = np.random.default_rng(3)
    bases = rng.integers(0, 256, (4, 8, 8))

    def thumbnail(seed: int) -> np.ndarray:
        noise = np.random.default_rng(seed).normal(0, 6 * (seed % 7), (32, 32))
        smooth = cv2.resize(bases[seed % 4].astype(np.uint8), (32, 32), interpolation=cv2.INTER_CUBIC)
        return np.clip(smooth + noise, 0, 255).astype(np.uint8)

    def contents(seeds: list[int], mark: str) -> Contents:
        table = images_of([Path(f"{mark}{row}") for row in range(len(seeds))])
        return Contents.build([f"{mark}{row}" for row in range(len(seeds))], [thumbnail(s) for s in seeds], table)

    held_out, seen = contents(ours, "held"), contents(theirs, "seen")
    found = find_leaks(HeldOutSet(held_out, np.array(["val"] * len(held_out)), RULE), seen)
    hashes = [[imagehash.phash(Image.fromarray(t)) for t in c.thumbnails] for c in (held_out, seen)]
    expected = {
        row
        for row, (hash_seen, picture) in enumerate(zip(hashes[1], seen.thumbnails, strict=True))
        for hash_held, other in zip(hashes[0], held_out.thumbnails, strict=True)
        if hash_seen - hash_held <= RULE.bits
        and np.corrcoef(picture.ravel().astype(float), other.ravel().astype(float))[0, 1] >= RULE.correlation
    }
    assert {leak.row for leak in found} == expected


def test_a_refusal_is_one_line_that_names_file_picture_and_reason(tmp_path: Path, test_set: Images) -> None:
    file = held_out_file(tmp_path, test_set)
    fine = scenes(tmp_path / "fine", range(20, 23))
    refuse_held_out(file, images_of(fine), "labels.json")
    refuse_held_out(None, test_set, "labels.json")
    refuse_held_out(file, test_set.take([]), "labels.json")
    mixed = images_of([fine[0], Path(test_set.path[3]), Path(test_set.path[4])])
    with pytest.raises(
        InputError, match=r"^labels.json has pictures that are held out for measuring: 2 of test"
    ) as told:
        refuse_held_out(file, mixed, "labels.json")
    assert f"{test_set.path[3]}, the same file as a picture of test" in str(told.value) and "\n" not in str(told.value)


def test_renders_are_compared_by_their_bytes_alone(tmp_path: Path, test_set: Images) -> None:
    file = held_out_file(tmp_path, test_set)
    alike = tmp_path / "alike.png"
    with Image.open(test_set.path[0]) as picture:
        picture.save(alike)
    refuse_held_out(file, images_of([alike]), "renders", rendered=np.array([True]))
    with pytest.raises(InputError, match="1 of test"):
        refuse_held_out(file, images_of([alike]), "renders")
    with pytest.raises(InputError, match="the same file"):
        refuse_held_out(file, test_set.take([2]), "renders", rendered=np.array([True]))


def test_the_file_reads_back_as_it_was_written(tmp_path: Path, test_set: Images) -> None:
    before = held_out_set(test_set.replace(video="a.mp4", frame=np.arange(6)), video_sha256={"a.mp4": "e" * 64})
    write_held_out(tmp_path / "held_out.json", before)
    after = read_held_out(tmp_path / "held_out.json")
    assert after.rule == before.rule and after.split.tolist() == before.split.tolist()
    for name in ("sha256", "thumbnails", "video", "frame", "video_sha256"):
        np.testing.assert_array_equal(getattr(after.contents, name), getattr(before.contents, name))


@pytest.mark.parametrize("text", ["[]", "{}", '{"format": 2}', '{"format": 1, "rule": {}, "pictures": [{"split": 1}]}'])
def test_a_file_that_holds_something_else_is_refused(tmp_path: Path, test_set: Images, text: str) -> None:
    (tmp_path / "held_out.json").write_text(text)
    with pytest.raises(InputError, match="does not say what is held out"):
        refuse_held_out(tmp_path / "held_out.json", test_set, "x")
