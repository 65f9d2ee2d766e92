"""Which frames count as labelled: by their bytes, and by film, time and sight."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from dataengine.errors import InputError
from dataengine.files import sha256_file
from dataengine.labels.answered import AnsweredFrames
from dataengine.labels.label_file import read_label_file
from dataengine.people import Images, People

from ..helpers.clips import textured
from ..helpers.label_files import labelled


def frames(folder: str, numbers: list[int], *, scene: int, video: str = "clip.mp4", width: int = 256) -> Images:
    """Frames of a film of one still scene through which a bright square moves."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    paths = []
    for number in numbers:
        picture = textured(scene, shape=(192, 256))
        picture[60:90, 5 * number % 200 : 5 * number % 200 + 30] = 255
        paths.append(f"{folder}/{number}.jpg")
        assert cv2.imwrite(paths[-1], cv2.resize(picture, (width, width * 3 // 4), interpolation=cv2.INTER_AREA))
    ids = 1 + np.arange(len(numbers))
    return Images.build(id=ids, path=paths, width=width, height=width * 3 // 4, video=video, frame=numbers)


def hashes(images: Images) -> np.ndarray:
    return np.array([sha256_file(Path(path)) for path in images.path.tolist()])


@pytest.fixture
def answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AnsweredFrames:
    """Frames 10 and 40 of a film, confirmed to show nobody."""
    monkeypatch.chdir(tmp_path)
    return AnsweredFrames.of_files([read_label_file(labelled(People.empty(), frames("a", [10, 40], scene=1)).path)])


def test_the_same_bytes_are_answered_whatever_their_name(answered: AnsweredFrames) -> None:
    images = frames("copies", [10, 20], scene=1, video="")
    assert answered.among(images, hashes(images)).tolist() == [True, False]


def test_a_frame_at_another_size_is_the_same_frame(answered: AnsweredFrames) -> None:
    images = frames("smaller", [9, 10, 40, 41], scene=1, width=192)
    assert answered.among(images, hashes(images)).tolist() == [False, True, True, False]


def test_neighbours_within_the_gap_are_answered_if_they_look_the_same(answered: AnsweredFrames) -> None:
    images = frames("pool", [4, 5, 12, 15, 16, 44, 45], scene=1)
    found = answered.among(images, hashes(images), gap_frames=5)
    assert found.tolist() == [False, False, True, False, False, True, False]
    after_a_cut = frames("cut", [12], scene=2)
    assert not answered.among(after_a_cut, hashes(after_a_cut), gap_frames=5).any()


def test_another_film_of_the_same_name_is_another_film(answered: AnsweredFrames) -> None:
    images = frames("b", [10, 11, 40], scene=3)
    assert not answered.among(images, hashes(images), gap_frames=5).any()
    named = frames("c", [10, 11], scene=1, video="other.mp4", width=192)
    assert not answered.among(named, hashes(named), gap_frames=5).any(), "a still camera's films all look alike"


def test_nothing_labelled_and_nothing_to_ask_about(answered: AnsweredFrames) -> None:
    images = frames("pool", [10], scene=1)
    assert not AnsweredFrames.of([]).among(images, hashes(images)).any()
    assert len(answered.among(images.take([]), np.empty(0, dtype="<U64"))) == 0


def test_a_labelled_picture_that_is_gone_is_named(answered: AnsweredFrames) -> None:
    images = frames("smaller", [10], scene=1, width=192)
    for path in answered.images.path.tolist():
        Path(path).unlink()
    with pytest.raises(InputError, match=r"the label store has labels of pictures.*is missing; .*dvc pull"):
        answered.among(images, hashes(images))
