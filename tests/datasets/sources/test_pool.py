"""The pool holds nothing of validation or test, however their frames come back: four toy cameras, filmed and copied."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from dataengine.coco_json import read_people
from dataengine.datasets.sources.frames import FrameWriter
from dataengine.datasets.sources.pool import write_pool
from dataengine.datasets.splits.assign import DROPPED, SplitParams, split_frames
from dataengine.files import sha256_file
from dataengine.leakage.film_names import film_name
from dataengine.leakage.held_out import HeldOutSet
from dataengine.people import Images
from dataengine.video.decoding import iter_frames, video_hash
from dataengine.video.sampling import FrameSampling

from ...helpers.clips import damaged, textured, write_clip
from ...helpers.held_out import held_out_set

FRAMES, EVERY = 40, 2
SPLIT = SplitParams(val_share=0.15, test_share=0.2, gap_frames=4)


def filmed(seed: int) -> list[NDArray[np.uint8]]:
    """A still camera: one scene, in which somebody, a bright disc, walks by."""
    scene = textured(seed)
    pictures = [scene.copy() for _ in range(FRAMES)]
    for number, picture in enumerate(pictures):
        cv2.circle(picture, (20 + 2 * number, 48), 9, (240, 240, 240), -1)
    return pictures


def blurred(pictures: list[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
    return [np.asarray(cv2.GaussianBlur(picture, (3, 3), 0), dtype=np.uint8) for picture in pictures]


@pytest.fixture
def cameras(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "cameras"
    folder.mkdir()
    return [write_clip(folder / f"cam{number}.mp4", filmed(number)) for number in range(4)]


def labelled_frames(folder: Path, cameras: list[Path]) -> tuple[HeldOutSet, Images, NDArray[np.str_]]:
    """What ingest makes of them: what is held out, all frames, and their splits."""
    tables = []
    for number, camera in enumerate(cameras):
        writer = FrameWriter(folder, film_name(camera, video_hash(camera)), 640, first_id=1 + 1000 * number)
        for frame in iter_frames(camera):
            writer.write(frame)
        tables.append(writer.images())
    images = Images.concat(tables)
    split = np.tile(split_frames(FRAMES, SPLIT), len(cameras))
    held = images.take((split != "train") & (split != DROPPED))
    sha256 = {film_name(camera, digest): digest for camera in cameras for digest in [video_hash(camera)]}
    return held_out_set(held, video_sha256=sha256), images, split


def pool_of(folder: Path, videos: list[Path], held_out: HeldOutSet) -> tuple[Images, dict[str, int]]:
    sampling = FrameSampling(every=EVERY)
    account = write_pool(folder, [], videos, sampling=sampling, longest_side_px=640, held_out=held_out)
    _, images = read_people(folder / "pool.json")
    assert account.kept == len(images) == len(list((folder / "pool_images").rglob("*.jpg"))), "nothing else is left"
    assert set(json.loads((folder / "pool_frames.json").read_text())) == set(map(str, images.id))
    return images, account.counts()


def test_of_the_cameras_that_were_labelled_only_what_lies_in_training_stays(
    tmp_path: Path, cameras: list[Path]
) -> None:
    held_out, images, split = labelled_frames(tmp_path / "labelled", cameras)
    pool, counts = pool_of(tmp_path / "ingest", cameras, held_out)
    of_test = {sha256_file(Path(path)) for path in images.path[split == "test"]}
    assert not of_test & {sha256_file(Path(path)) for path in pool.path}
    assert set(pool.frame.tolist()) == set(range(0, 22, EVERY)), "frame 26 is the first of validation"
    assert len(pool) == 4 * 11
    # 26, 32, 34, 36 and 38 are of validation or test, byte for byte; 22, 24, 28 and 30 lie in the gaps
    assert counts == {"same file": 4 * 5, "same video": 4 * 4, "near duplicate": 0, "unreadable": 0}


def test_without_what_is_held_out_the_test_frames_would_be_in_the_pool(tmp_path: Path, cameras: list[Path]) -> None:
    """The leak itself: half of all test frames, byte for byte, under the same sampling."""
    _, images, split = labelled_frames(tmp_path / "labelled", cameras)
    nothing = held_out_set(images.take([]))
    pool, counts = pool_of(tmp_path / "ingest", cameras, nothing)
    of_test = {sha256_file(Path(path)) for path in images.path[split == "test"]}
    assert len(of_test & {sha256_file(Path(path)) for path in pool.path}) == len(of_test) / 2
    assert set(counts.values()) == {0}


def test_a_film_encoded_again_under_another_name_is_recognised(tmp_path: Path, cameras: list[Path]) -> None:
    held_out, _, _ = labelled_frames(tmp_path / "labelled", cameras)
    renamed = write_clip(tmp_path / "holiday.mp4", blurred(filmed(2)))
    same_name = write_clip(tmp_path / "cam1.mp4", blurred(filmed(1))[7:])
    other = write_clip(tmp_path / "other.mp4", filmed(50))
    pool, counts = pool_of(tmp_path / "ingest", [renamed, same_name, other], held_out)
    assert pool.video.tolist() == [film_name(other, video_hash(other))] * (FRAMES // EVERY)
    assert counts == {"same file": 0, "same video": 0, "near duplicate": 20 + 17, "unreadable": 0}


def test_two_films_of_one_name_are_two_and_a_copy_is_one(
    tmp_path: Path, cameras: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in ("a", "b", "c"):
        (tmp_path / folder).mkdir()
    first, second = tmp_path / "a" / "walk.mp4", tmp_path / "b" / "walk.mp4"
    first.write_bytes(cameras[0].read_bytes())
    second.write_bytes(cameras[1].read_bytes())
    copy = tmp_path / "c" / "holiday.mp4"
    copy.write_bytes(first.read_bytes())
    nothing = held_out_set(Images.build(id=np.empty(0), path=[], width=[], height=[]))
    pool, _ = pool_of(tmp_path / "ingest", [first, second, copy], nothing)
    assert len(set(pool.video.tolist())) == 2 and len(pool) == FRAMES
    assert len({Path(path).name for path in pool.path.tolist()}) == FRAMES, "base names are unique, too"
    assert capsys.readouterr().err.count("holiday.mp4 is the same film as") == 1
    alone, _ = pool_of(tmp_path / "next", [second], nothing)
    assert set(alone.video.tolist()) < set(pool.video.tolist()), "the name does not hang on the other films"


def test_lost_frames_are_told_and_accounted_for(
    tmp_path: Path, cameras: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    film = damaged(cameras[0], [13, 14])
    nothing = held_out_set(Images.build(id=np.empty(0), path=[], width=[], height=[]))
    account = write_pool(
        tmp_path / "ingest", [], [film], sampling=FrameSampling(), longest_side_px=640, held_out=nothing
    )
    (told,) = account.film_records()
    assert told["decoded"] + told["lost"] == FRAMES and told["sampled"] == told["decoded"] == account.kept
    assert told["lost"] > 0 and told["damaged"] == 0
    assert f"{told['lost']} of {FRAMES} frames are lost" in capsys.readouterr().err
    assert account.document()["films"] == [told]


def test_frames_that_the_decoder_made_up_are_told_and_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    film = damaged(write_clip(tmp_path / "hevc.mp4", filmed(5), codec="libx265"), [1, 2])
    nothing = held_out_set(Images.build(id=np.empty(0), path=[], width=[], height=[]))
    account = write_pool(
        tmp_path / "ingest", [], [film], sampling=FrameSampling(), longest_side_px=640, held_out=nothing
    )
    (told,) = account.film_records()
    assert told["damaged"] > 0
    assert told["sampled"] == told["decoded"] - told["damaged"] == account.kept
    assert f", {told['damaged']} are damaged" in capsys.readouterr().err
