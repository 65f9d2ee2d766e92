import subprocess
import sys

import pytest

from dataengine.files import bounded_memory


def test_memory_is_bounded_inside_the_block_only() -> None:
    with pytest.raises(MemoryError), bounded_memory(64 * 1024**2):
        bytearray(1024**3)
    assert len(bytearray(1024**3)) == 1024**3


def test_a_tighter_limit_of_the_users_stays() -> None:
    script = """
import resource
from dataengine.files import bounded_memory
limits = (3 << 30, 4 << 30)
resource.setrlimit(resource.RLIMIT_AS, limits)
with bounded_memory(1 << 40):
    assert resource.getrlimit(resource.RLIMIT_AS) == limits
with bounded_memory(1 << 20):
    assert resource.getrlimit(resource.RLIMIT_AS)[0] < limits[0]
assert resource.getrlimit(resource.RLIMIT_AS) == limits
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
