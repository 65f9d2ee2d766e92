"""The store from DVC's cache, where a stage needs the champion and nothing has brought the store.

`promote` writes the store and stages before it read the champion from there, so it can be no dependency of theirs: DVC
knows no cycles. A temporary copy that runs one of them alone, as `dvc exp run --temp compare` does, has only what that
stage depends on.
"""

import subprocess
import sys
from pathlib import Path


def check_out(path: Path) -> None:
    """Have DVC put in place what dvc.lock of the working folder names as `path`, from its cache alone.

    Nothing happens outside of a project of DVC, or where the cache lacks it: whoever needs a file says so.
    """
    if Path("dvc.lock").is_file():
        command = [sys.executable, "-m", "dvc", "checkout", "--quiet", "--allow-missing", str(path)]
        subprocess.run(command, capture_output=True, check=False)
