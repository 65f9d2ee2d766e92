"""Crops in threads: all of them, each in its place, however pictures, batches and threads fall; and no hang."""

import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dataengine.crops import pixels
from dataengine.crops.pixels import crop_people, people_by_picture
from dataengine.crops.spec import CropSpec
from dataengine.errors import InputError
from dataengine.inference.running import crop_stream
from dataengine.inference.running.crop_stream import THREAD_NAME, CropStream
from dataengine.inference.running.predict import predict_people
from dataengine.nets.checkpoint import ModelMeta
from dataengine.people import Images, People

from ..crowds import crowd

SPEC = CropSpec(16, 24)
META = ModelMeta("residual", input_width_px=16, input_height_px=24)


def flat(images: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A network that knows nothing."""
    return np.zeros((len(images), 17, 32), np.float32), np.zeros((len(images), 17, 48), np.float32)


def collected(stream: CropStream, n: int) -> NDArray[np.uint8]:
    """All crops in the order of people; each row must come once."""
    crops = np.zeros((n, SPEC.height_px, SPEC.width_px, 3), np.uint8)
    seen = np.zeros(n, np.int64)
    with stream:
        for rows, batch in stream:
            crops[rows] = batch
            seen[rows] += 1
    assert (seen == 1).all()
    return crops


def crop_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(THREAD_NAME)]


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> Iterator[None]:
    before = cv2.getNumThreads()
    yield
    assert not crop_threads()
    assert cv2.getNumThreads() == before


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pictures")


@given(picture_of=st.lists(st.integers(0, 6), max_size=40), batch=st.integers(1, 50), threads=st.integers(1, 5))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_crop_lies_in_its_place(pictures: Path, picture_of: list[int], batch: int, threads: int) -> None:
    people, images = crowd(pictures, picture_of)
    stream = CropStream(people, images, SPEC, batch=batch, threads=threads)
    assert len(stream) == -(-len(people) // batch)
    expected, matrices = crop_people(people, images, SPEC)
    np.testing.assert_array_equal(collected(stream, len(people)), expected)
    np.testing.assert_array_equal(stream.matrices, matrices)


@given(rows=st.lists(st.integers(0, 5), max_size=30))
@settings(deadline=None)
def test_people_are_grouped_by_picture_in_order_of_appearance(rows: list[int]) -> None:
    groups: dict[int, list[int]] = {}
    for person, picture in enumerate(rows):
        groups.setdefault(picture, []).append(person)
    got = people_by_picture(np.array(rows, dtype=np.int64))
    assert [(picture, persons.tolist()) for picture, persons in got] == list(groups.items())


def test_two_hundred_people_in_one_picture_among_others(tmp_path: Path) -> None:
    people, images = crowd(tmp_path, [0, 1, *[2] * 200, 3, 1])
    stream = CropStream(people, images, SPEC, batch=8, threads=3)
    np.testing.assert_array_equal(collected(stream, len(people)), crop_people(people, images, SPEC)[0])


def test_each_picture_is_decoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: Counter[str] = Counter()

    def counting(path: str) -> NDArray[np.uint8]:
        decoded[path] += 1
        return pixels.read_picture(path)

    monkeypatch.setattr(crop_stream, "read_picture", counting)
    people, images = crowd(tmp_path, [0, 1, 2, 0, 1, 2, 2, 2, 0])
    collected(CropStream(people, images, SPEC, batch=2, threads=2), len(people))
    assert set(decoded.values()) == {1}
    assert len(decoded) == 3


def test_memory_is_a_few_buffers_and_threads_do_not_run_ahead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, read = [], []

    def allocate(shape: tuple[int, ...]) -> NDArray[np.uint8]:
        made.append(np.zeros(shape, np.uint8))
        return made[-1]

    def noting(path: str) -> NDArray[np.uint8]:
        read.append(path)
        return pixels.read_picture(path)

    monkeypatch.setattr(crop_stream, "read_picture", noting)
    people, images = crowd(tmp_path, list(range(60)))
    batch, threads = 2, 2
    with CropStream(people, images, SPEC, batch=batch, threads=threads, allocate=allocate) as stream:
        for number, (_, crops) in enumerate(stream):
            assert any(np.shares_memory(crops, buffer) for buffer in made)
            time.sleep(0.005)  # let the threads go as far as they may
            assert len(read) <= (number + len(made)) * batch + threads
    assert len(made) == 4


def test_a_batch_stays_as_it_is_while_the_next_is_made_ready(tmp_path: Path) -> None:
    people, images = crowd(tmp_path, list(range(30)))
    expected = crop_people(people, images, SPEC)[0]
    before = None
    with CropStream(people, images, SPEC, batch=2, threads=4) as stream:
        for rows, crops in stream:
            time.sleep(0.005)
            for held_rows, held in filter(None, [before, (rows, crops)]):
                np.testing.assert_array_equal(held, expected[held_rows])
            before = rows, crops


@pytest.mark.parametrize("threads", [1, 3])
def test_an_unreadable_picture_in_the_middle_is_named(tmp_path: Path, threads: int) -> None:
    people, images = crowd(tmp_path, list(range(30)))
    (tmp_path / "17.png").write_bytes(b"no picture")
    (tmp_path / "18.png").unlink()
    with pytest.raises(InputError, match=r"17\.png cannot be used"):
        collected(CropStream(people, images, SPEC, batch=4, threads=threads), len(people))
    with pytest.raises(InputError, match=r"17\.png cannot be used"):
        predict_people(flat, META, people, images, batch=4)


def test_nobody_one_person_and_a_batch_larger_than_the_set(tmp_path: Path) -> None:
    people, images = crowd(tmp_path, [1, 0, 1])
    nobody = CropStream(people.take([]), images, SPEC, batch=4)
    assert len(nobody) == 0
    assert collected(nobody, 0).shape == (0, 24, 16, 3)
    for some in (people.take([1]), people):
        assert predict_people(flat, META, some, images, batch=1000).keypoints_px.shape == (len(some), 17, 2)
        stream = CropStream(some, images, SPEC, batch=1000)
        assert len(stream) == 1
        np.testing.assert_array_equal(collected(stream, len(some)), crop_people(some, images, SPEC)[0])


def test_an_empty_box_is_reported_before_any_thread_starts(tmp_path: Path) -> None:
    people, images = crowd(tmp_path, [0, 1])
    flat_box = people.replace(bbox_xywh_px=people.bbox_xywh_px * np.array([1, 1, 1, 0], np.float32))
    with pytest.raises(InputError, match="a box is empty"):
        CropStream(flat_box, images, SPEC, batch=4)


def test_a_person_in_no_known_image_is_an_input_error(tmp_path: Path) -> None:
    people, images = crowd(tmp_path, [0, 1])
    with pytest.raises(InputError):
        predict_people(flat, META, people.replace(image_id=people.image_id + 7), images)


@pytest.mark.parametrize("fault", [KeyboardInterrupt, RuntimeError])
def test_a_fault_of_the_reader_ends_the_threads(tmp_path: Path, fault: type[BaseException]) -> None:
    """Ctrl-C and a runner that breaks: the threads are then waiting for room."""
    people, images = crowd(tmp_path, list(range(40)))
    calls = []

    def breaks(batch: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        calls.append(len(batch))
        if len(calls) == 3:
            raise fault
        return flat(batch)

    with pytest.raises(fault):
        predict_people(breaks, META, people, images, batch=2)
    assert calls == [2, 2, 2]


@pytest.mark.parametrize("attempt", range(5))
def test_ctrl_c_while_pictures_are_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, attempt: int) -> None:
    people, images = crowd(tmp_path, [0, 1, 2])
    reading = threading.Event()

    def slow(path: str) -> NDArray[np.uint8]:
        reading.set()
        time.sleep(0.3)
        return pixels.read_picture(path)

    def interrupt() -> None:
        reading.wait(10)
        time.sleep(attempt * 0.05)  # at once may be while threads are still being started
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    monkeypatch.setattr(crop_stream, "read_picture", slow)
    killer = threading.Thread(target=interrupt)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    try:
        killer.start()
        with pytest.raises(KeyboardInterrupt):
            collected(CropStream(people, images, SPEC, batch=3, threads=2), len(people))
    finally:
        killer.join()
        signal.signal(signal.SIGINT, before)


def test_a_stream_that_is_left_early_ends(tmp_path: Path) -> None:
    people, images = crowd(tmp_path, list(range(40)))
    with CropStream(people, images, SPEC, batch=2, threads=2) as stream:
        next(iter(stream))
        assert crop_threads()
    assert not crop_threads()


def test_images_table_order_does_not_matter(tmp_path: Path) -> None:
    people, images = crowd(tmp_path, [0, 1, 2])
    turned: Images = images.take([2, 0, 1])
    one, two = (collected(CropStream(people, table, SPEC, batch=2), 3) for table in (images, turned))
    np.testing.assert_array_equal(one, two)


def test_people_type_is_untouched(tmp_path: Path) -> None:
    people, images = crowd(tmp_path, [0, 1, 1])
    prediction = predict_people(flat, META, people, images)
    assert isinstance(prediction.as_people(people), People)
