"""What people labelled stays with the pictures that they labelled, and nothing that was kept is written over."""

import errno
import json
import multiprocessing
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from dataengine.errors import EnvironmentFault, InputError
from dataengine.files import sha256_file
from dataengine.labels.kept_pictures import PICTURES, refuse_changed_under, without_hashes
from dataengine.labels.label_file import is_label_file, read_label_file
from dataengine.labels.label_store import add_labels, latest, read_store, without_superseded
from dataengine.people import Images, People

from ..helpers.drawn_people import draw_people_at
from ..helpers.label_files import STORE, labelled

KEPT = STORE / PICTURES


@pytest.fixture
def pool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[People, Images]:
    """Four pictures of one person each, in the working folder."""
    monkeypatch.chdir(tmp_path)
    return draw_people_at(Path("pool"), 4, seed=0)


def hashes(images: Images) -> list[str]:
    return [sha256_file(Path(path)) for path in images.path.tolist()]


def some(pool: tuple[People, Images], rows: list[int]) -> tuple[People, Images]:
    people, images = pool
    return people.take(rows), images.take(rows)


def moved(pool: tuple[People, Images], rows: list[int]) -> tuple[People, Images]:
    """The same people, corrected."""
    people, images = some(pool, rows)
    return people.replace(keypoints_px=people.keypoints_px + 1), images


def test_labels_stay_with_their_pictures_whatever_becomes_of_the_pool(pool: tuple[People, Images]) -> None:
    people, images = pool
    before = hashes(images)
    done = labelled(people.take([0, 1, 2]), images)
    for path in images.path.tolist():
        Path(path).write_bytes(b"another film")
    file = read_label_file(done.path)
    file.check_pictures()
    assert sorted(path.name for path in KEPT.iterdir()) == sorted(f"{key}.png" for key in before)
    assert file.sha256.tolist() == before and file.people.extras["sha256"].tolist() == before[:3]
    np.testing.assert_allclose(file.people.keypoints_px, people.keypoints_px[:3], atol=1e-3)
    info = json.loads(done.path.read_text())["info"]
    assert info["nobody"] == [{"sha256": before[3], "annotator": "anna"}]
    assert info["annotator_names"] == ["anna"] and info["imported"]["file"] == "tool.json"
    assert file.at.endswith("+00:00") and info["imported"]["at"] == file.at
    assert is_label_file(done.path) and not is_label_file(Path("pool")) and not is_label_file(Path("none.json"))


def test_a_later_import_counts_and_the_earlier_one_stays(pool: tuple[People, Images]) -> None:
    first = labelled(*some(pool, [0, 1, 2]))
    content = first.path.read_bytes()
    second = labelled(*moved(pool, [1, 2, 3]), by="ben")
    assert [(file.path, count) for file, count in second.superseded] == [(first.path, 2)]
    assert first.path.read_bytes() == content
    assert json.loads(second.path.read_text())["info"]["supersedes"] == {first.path.name: 2}
    store = read_store(STORE)
    assert [(file.path, file.number, file.annotators) for file in store] == [
        (first.path, 1, ("anna",)),
        (second.path, 2, ("ben",)),
    ]
    counting = without_superseded([store[1], store[0], store[0]])  # named in any order, and one of them twice
    assert [(file.path, len(file.images), len(file.people)) for file in counting] == [
        (second.path, 3, 3),
        (first.path, 1, 1),
    ]
    assert {key: file.number for key, file in latest(store).items()} == dict(
        zip(hashes(pool[1]), (1, 2, 2, 2), strict=True)
    )


def test_the_same_labels_are_kept_once_while_they_count(pool: tuple[People, Images]) -> None:
    """Brought back after a correction they are an import of their own, which counts."""
    first = labelled(*some(pool, [0, 1]))
    again = labelled(*some(pool, [0, 1]))
    assert first.is_new and (again.path, again.is_new, list(again.superseded)) == (first.path, False, [])
    correction = labelled(*moved(pool, [0]))
    third = labelled(*some(pool, [0, 1]))
    assert third.is_new and third.path not in (first.path, correction.path)
    assert sorted((file.number, count) for file, count in third.superseded) == [(1, 1), (2, 1)]
    assert {file.path for file in latest(read_store(STORE)).values()} == {third.path}


def test_numbers_that_two_branches_gave_are_settled_by_time(pool: tuple[People, Images]) -> None:
    mine = labelled(*some(pool, [0]), store=Path("mine"))
    theirs = labelled(*moved(pool, [0]), store=Path("theirs"), by="ben")
    document = json.loads(theirs.path.read_text())
    document["info"]["imported"]["at"] = "2001-01-01T00:00:00+00:00"
    (Path("mine") / theirs.path.name).write_text(json.dumps(document))
    store = read_store(Path("mine"))
    assert [file.number for file in store] == [1, 1] and store[1].path == mine.path
    assert latest(store)[store[0].sha256[0]].path == mine.path


def test_a_missing_or_changed_picture_is_named_with_the_way_back(pool: tuple[People, Images]) -> None:
    file = read_label_file(labelled(*pool).path)
    first, second = (Path(path) for path in file.images.path.tolist()[:2])
    first.unlink()
    with pytest.raises(InputError, match=rf"{file.path} has.*{first} is missing; bring.*`dvc pull --force {KEPT}`"):
        file.check_pictures()
    second.write_bytes(b"other")
    with pytest.raises(InputError, match=rf"{first} is missing \(and 1 more\)"):
        refuse_changed_under(file.people, file.images, file.path)
    shutil.copy(pool[1].path[0], first)
    with pytest.raises(InputError, match=rf"{second} has changed, its sha256 is \w{{12}}, not {second.stem[:12]}"):
        file.check_pictures()
    labelled(*pool)  # an import of the same pictures puts them back
    file.check_pictures()
    second.unlink()
    refuse_changed_under(without_hashes(file.people), file.images, file.path)


def test_a_file_that_was_edited_or_is_another_is_refused(pool: tuple[People, Images]) -> None:
    done = labelled(*pool)
    document = json.loads(done.path.read_text())
    document["annotations"][0]["keypoints"][0] += 1
    done.path.write_text(json.dumps(document))
    with pytest.raises(InputError, match=r"was changed after it was imported; bring it back from git"):
        read_store(STORE)
    done.path.write_text('{"images": [], "annotations": []}')
    with pytest.raises(InputError, match=r"is not a file of label-import: expected format dataengine\.labels/1"):
        read_store(STORE)
    done.path.write_text("[1]")
    with pytest.raises(InputError, match="is not a file of label-import"):
        read_store(STORE)


def test_a_picture_that_is_not_what_was_sent_stops_the_import_before_a_file_is_written(
    pool: tuple[People, Images],
) -> None:
    people, images = pool
    known = hashes(images)
    labelled(people.take([0]), images.take([0]))
    store = {path: path.read_bytes() for path in STORE.rglob("*") if path.is_file()}
    Path(images.path[0]).unlink()  # the store has it
    Path(images.path[2]).write_bytes(b"of another film")
    tagged = people.with_extra("sha256", known).with_extra("annotator", ["ben"] * 4)
    with pytest.raises(InputError, match=rf"picture {images.path[2]} has changed: expected.*{known[2]}, got sha256"):
        add_labels(STORE, tagged, images, np.array(known), nobody={}, origin={}, info={})
    assert {path.name for path in STORE.glob("*.json")} == {path.name for path in store if path.suffix == ".json"}
    Path(images.path[2]).unlink()
    with pytest.raises(InputError, match=rf"picture {images.path[2]} is missing"):
        add_labels(STORE, tagged, images, np.array(known), nobody={}, origin={}, info={})
    assert all(path.read_bytes() == content for path, content in store.items())


def test_a_full_disk_leaves_the_store_as_it_was(pool: tuple[People, Images], monkeypatch: pytest.MonkeyPatch) -> None:
    labelled(*some(pool, [0]))
    before = {path: path.read_bytes() for path in STORE.rglob("*") if path.is_file()}
    write = Path.write_bytes

    def full(path: Path, content: bytes) -> int:
        if "partial" in path.name and sum(1 for _ in KEPT.glob("*.png")) >= 2:
            write(path, content[:10])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(EnvironmentFault, match=r"cannot write.*No space left"):
            labelled(*some(pool, [0, 1, 2]))
    assert all(path.read_bytes() == content for path, content in before.items())
    assert [file.number for file in read_store(STORE)] == [1]
    assert all(sha256_file(path) == path.stem for path in KEPT.iterdir()), "whole pictures alone"
    assert labelled(*some(pool, [0, 1, 2])).is_new


def _import(barrier: "multiprocessing.synchronize.Barrier", by: str, row: int) -> None:
    people, images = draw_people_at(Path(by), 4, seed=0)
    barrier.wait(60)
    labelled(people.take([0, row]), images.take([0, row]), by=by)


def test_two_imports_at_once_take_turns(pool: tuple[People, Images]) -> None:
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(2)
    workers = [context.Process(target=_import, args=(barrier, by, row)) for by, row in (("anna", 1), ("ben", 2))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0]
    store = read_store(STORE)
    assert [file.number for file in store] == [1, 2] and len(list(KEPT.iterdir())) == 3
    for file in store:
        file.check_pictures()
    assert latest(store)[hashes(pool[1])[0]].number == 2


def test_a_project_may_be_moved_and_pictures_must_lie_in_it(
    pool: tuple[People, Images], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = labelled(*pool)
    elsewhere = tmp_path.with_name(f"{tmp_path.name}_moved")
    shutil.move(tmp_path / "data", elsewhere / "data")
    monkeypatch.chdir(elsewhere)
    read_label_file(done.path).check_pictures()
    document = json.loads(done.path.read_text())
    outside = tmp_path / "pool" / "real0.png"
    shutil.copytree(elsewhere / "data" / "labels", tmp_path / "out" / "labels")
    monkeypatch.chdir(tmp_path / "pool")
    with pytest.raises(InputError, match="leaves its folder: expected a path inside"):
        read_label_file(Path("../out/labels") / done.path.name)
    assert outside.is_file() and document["images"][0]["file_name"].startswith(f"{PICTURES}/")
