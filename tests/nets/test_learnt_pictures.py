"""The record of the pictures that a network has learnt from."""

import hashlib
from pathlib import Path

import pytest

from dataengine.errors import InputError
from dataengine.nets.learnt_pictures import LEARNT_NAME, read_learnt_pictures, write_learnt_pictures


def test_hashes_come_back_each_once_and_the_file_is_as_small_as_they_are(tmp_path: Path) -> None:
    hashes = [hashlib.sha256(bytes([number])).hexdigest() for number in range(50)]
    path = write_learnt_pictures(tmp_path, hashes + hashes[:7])
    assert path.stat().st_size == 50 * 32
    assert read_learnt_pictures(tmp_path) == frozenset(hashes)
    content = path.read_bytes()
    write_learnt_pictures(tmp_path, reversed(hashes))
    assert path.read_bytes() == content
    write_learnt_pictures(tmp_path, [])
    assert read_learnt_pictures(tmp_path) == frozenset()


def test_no_record_is_not_the_same_as_an_empty_one_and_a_damaged_one_is_refused(tmp_path: Path) -> None:
    assert read_learnt_pictures(tmp_path) is None
    (tmp_path / LEARNT_NAME).write_bytes(b"0" * 33)
    with pytest.raises(InputError, match="is damaged"):
        read_learnt_pictures(tmp_path)
