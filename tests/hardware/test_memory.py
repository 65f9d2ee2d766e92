import subprocess
import sys
from pathlib import Path

import pytest

from dataengine.hardware.memory import Memory, bound_memory, parse_meminfo, peak_bytes, read_memory

MEMINFO = (
    "MemTotal:       65536000 kB\nMemFree:          100000 kB\nMemAvailable:   32768000 kB\nHugePages_Total:       0\n"
)


def test_total_and_available_of_a_meminfo() -> None:
    assert parse_meminfo(MEMINFO) == (65_536_000 * 1024, 32_768_000 * 1024)


@pytest.mark.parametrize("text", ["", "MemTotal:", "MemTotal: many kB", "\x00"])
def test_a_meminfo_that_says_nothing(text: str) -> None:
    assert parse_meminfo(text) == (None, None)


def test_a_container_is_given_less_than_the_machine_has(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("4000\n")
    (tmp_path / "memory.current").write_text("1000\n")
    assert bound_memory(64_000, 32_000, "0::/", tmp_path) == Memory(64_000, 4_000, 3_000)
    assert bound_memory(64_000, 2_000, "0::/", tmp_path) == Memory(64_000, 4_000, 2_000)
    assert bound_memory(None, None, "0::/", tmp_path) == Memory(None, 4_000, 3_000)
    assert bound_memory(64_000, None, "", tmp_path) == Memory(64_000, 64_000, None)


def test_this_machine() -> None:
    memory = read_memory()
    assert memory.total_bytes is not None and memory.limit_bytes is not None
    assert 0 < memory.limit_bytes <= memory.total_bytes
    psutil = pytest.importorskip("psutil")
    assert memory.total_bytes == psutil.virtual_memory().total


def test_an_unreadable_proc_still_gives_the_total(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dataengine.hardware.memory.read_text", lambda path: "")
    memory = read_memory()
    assert memory.total_bytes
    assert memory.free_bytes is None


def test_a_small_program_that_a_large_one_starts_is_small() -> None:
    """Held here: 400 MB. The program says what it held itself."""
    ballast = bytearray(400_000_000)
    program = "from dataengine.hardware.memory import peak_bytes; print(peak_bytes())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert 1e6 < int(done.stdout) < 2e8 < peak_bytes()
    assert len(ballast) == 400_000_000
