"""Control groups as containers and batch systems write them, in folders laid out like the kernel's."""

from pathlib import Path

import pytest

from dataengine.hardware.control_groups import cpu_quota, memory_limits

V1 = "9:name=systemd:/\n4:memory:/docker/abc\n2:cpu,cpuacct:/docker/abc\n0::/\n"


def write(folder: Path, **files: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(f"{text}\n")


def test_the_tightest_of_nested_groups_counts(tmp_path: Path) -> None:
    write(tmp_path / "batch", cpu__max="400000 100000", memory__max=8_000)
    write(tmp_path / "batch" / "job", cpu__max="max 100000", memory__max=16_000, memory__current=5_000)
    write(tmp_path / "batch" / "job", memory__stat="anon 1\ninactive_file 2000\nodd")
    assert cpu_quota("0::/batch/job\n", tmp_path) == 4.0
    assert list(memory_limits("0::/batch/job\n", tmp_path)) == [(16_000, 13_000), (8_000, 8_000)]


def test_version_1(tmp_path: Path) -> None:
    write(tmp_path / "cpu,cpuacct" / "docker" / "abc", cpu__cfs_quota_us=150_000, cpu__cfs_period_us=100_000)
    write(tmp_path / "cpu,cpuacct", cpu__cfs_quota_us=-1, cpu__cfs_period_us=100_000)
    group = tmp_path / "memory" / "docker" / "abc"
    write(group, memory__limit_in_bytes=4_000, memory__usage_in_bytes=3_000, memory__stat="total_inactive_file 500")
    write(tmp_path / "memory", memory__limit_in_bytes=9_223_372_036_854_771_712)
    assert cpu_quota(V1, tmp_path) == 1.5
    assert list(memory_limits(V1, tmp_path)) == [(4_000, 1_500)]


def test_inside_a_container_the_group_is_mounted_at_the_root(tmp_path: Path) -> None:
    write(tmp_path / "cpu", cpu__cfs_quota_us=50_000, cpu__cfs_period_us=100_000)
    write(tmp_path / "memory", memory__limit_in_bytes=4_000, memory__usage_in_bytes=5_000)
    assert cpu_quota(V1, tmp_path) == 0.5
    assert list(memory_limits(V1, tmp_path)) == [(4_000, 0)]


@pytest.mark.parametrize("membership", ["", "0::/", "nonsense", "::::", "0::/../../../etc"])
def test_without_limits_there_are_none(tmp_path: Path, membership: str) -> None:
    write(tmp_path, cpu__max="max 100000", memory__max="max")
    assert cpu_quota(membership, tmp_path) is None
    assert list(memory_limits(membership, tmp_path)) == []


@pytest.mark.parametrize("text", ["", "100000", "100000 0", "a b", "-1 100000", "1 2 3"])
def test_a_quota_that_makes_no_sense_is_no_limit(tmp_path: Path, text: str) -> None:
    write(tmp_path, cpu__max=text)
    assert cpu_quota("0::/", tmp_path) is None
