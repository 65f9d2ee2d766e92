from pathlib import Path

import pytest

from dataengine.errors import InputError
from dataengine.files import RepeatedKeys, read_json, write_json


def test_nan_is_not_json(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Out of range"):
        write_json(tmp_path / "a.json", {"x": float("nan")})
    assert not list(tmp_path.iterdir())


def test_json_of_others_is_read_within_bounds(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"a": [NaN, 1e999, %s, 12], "b": 1}' % ("7" * 6000))
    nan, beyond, huge, plain = read_json(tmp_path / "a.json")["a"]
    assert nan != nan
    assert beyond == huge == float("inf")
    assert plain == 12
    assert isinstance(plain, int)
    (tmp_path / "b.json").write_text('{"a": {"x": 1, "x": 2}, "b": {"x": 1}}')
    document = read_json(tmp_path / "b.json")
    assert [type(document[name]) for name in "ab"] == [RepeatedKeys, dict]
    for name, largest, message in (("b.json", 10, "too large"), (".", 10, "cannot be read")):
        with pytest.raises(InputError, match=message):
            read_json(tmp_path / name, largest_bytes=largest)
