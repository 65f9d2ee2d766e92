"""A small Debian for aarch64 in a folder: Python, numpy and the runtimes, and the qemu-user that runs it.

Nothing of the machine is touched and no root is needed: apt, with folders of its own, fetches packages from the
machine's sources and checks them by their signed lists; pip fetches the wheels that the bundle's requirements pin by
hash. A part that is there is not fetched again.
"""

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

from dataengine.environments.virtual_environment import last_line, plain_environment
from dataengine.errors import EnvironmentFault
from dataengine.files import fresh_folder, locked_folder, sha256_file, short_sha256
from dataengine.terminal.speech import say

from .bundle_folder import DEVICE
from .emulation import EmulatedMachine, describe_cpus
from .runtimes import ONNX, RUNTIMES

PACKAGES = ("python3-minimal", "libpython3-stdlib", "libstdc++6")
EMULATOR, PROGRAMS = "qemu-user-static", ("qemu-aarch64-static", "qemu-aarch64")
PLATFORMS = ("manylinux_2_28_aarch64", "manylinux_2_27_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64")
SECONDS = 600  # for apt or pip


def ready_machine(cache: Path, runtimes: Sequence[str] = (ONNX,)) -> EmulatedMachine:
    """The machine in the folder `cache` with the packages of `runtimes`; what is missing there is made.

    Raises:
        EnvironmentFault: apt is missing, lacks arm64 packages, or cannot reach them; or pip cannot reach the wheels.
    """
    cache = cache.absolute()
    with locked_folder(cache):
        root, emulator = cache / "root", cache / "emulator" / PROGRAMS[0]
        if not emulator.is_file():
            _fetch_emulator(emulator)
        if not root.is_dir():
            _fetch_root(root)
        python = _python(root)
        sites = tuple(_site(cache, DEVICE / RUNTIMES[name].requirements, python.name) for name in runtimes)
        describe_cpus(root, cache / "cpus")
    return EmulatedMachine(emulator, cache / "cpus", python, sites)


def _site(cache: Path, requirements: Path, python: str) -> Path:
    """A folder with the packages that a file pins."""
    site = cache / f"wheels-{short_sha256(sha256_file(requirements))}-{python}"
    if not site.is_dir():
        _fetch_wheels(site, requirements, python.removeprefix("python"))
    return site


def _fetch_emulator(place: Path) -> None:
    """The one program out of a package of many, or a link to the one that is installed."""
    installed = next(filter(None, map(shutil.which, PROGRAMS)), None)
    with fresh_folder(place.parent) as folder:
        if installed is not None:
            (folder / place.name).symlink_to(installed)
            return
        own = _called(["dpkg", "--print-architecture"]).strip()
        _unpack_packages(folder / "unpacked", own, [EMULATOR])
        there = [folder / "unpacked/usr/bin" / name for name in PROGRAMS]
        program = next((path for path in there if path.is_file() and not path.is_symlink()), None)
        if program is None:
            raise EnvironmentFault(f"apt's {EMULATOR} has no {PROGRAMS[0]}", fix="install qemu-user-static")
        program.rename(folder / place.name)
        shutil.rmtree(folder / "unpacked")


def _fetch_root(root: Path) -> None:
    with fresh_folder(root) as folder:
        _unpack_packages(folder, "arm64", PACKAGES)
        if not (folder / "lib").exists():  # a newer Debian has all of it in usr, and makes these links elsewhere
            (folder / "lib").symlink_to("usr/lib")


def _unpack_packages(into: Path, architecture: str, packages: Sequence[str]) -> None:
    """Fetch `packages` and what they depend on, and unpack them to the folder `into`."""
    say(f"aarch64: fetching {', '.join(packages)} ({architecture}) with apt")
    into.mkdir(parents=True, exist_ok=True)
    apt = into / ".apt"
    for folder in ("state/lists/partial", "cache/archives/partial"):
        (apt / folder).mkdir(parents=True)
    (apt / "state/status").touch()  # nothing is installed: so all that is needed is fetched
    chosen = {
        "APT::Architecture": architecture,
        "APT::Architectures::": architecture,
        "APT::Sandbox::User": "",
        "Acquire::Languages": "none",
        "Acquire::Retries": "2",
        "Dir::State": apt / "state",
        "Dir::State::status": apt / "state/status",
        "Dir::Cache": apt / "cache",
        "Dir::Log": apt,
        "Debug::NoLocking": "true",
    }
    options = [part for name, value in chosen.items() for part in ("-o", f"{name}={value}")]
    _called(["apt-get", *options, "-q", "update"])
    _called(["apt-get", *options, "-qy", "--no-install-recommends", "--download-only", "install", *packages])
    files = sorted((apt / "cache/archives").glob("*.deb"))
    for file in files:
        _called(["dpkg-deb", "--extract", str(file), str(into)])
    shutil.rmtree(apt)
    if not files:
        raise EnvironmentFault(f"apt fetched nothing of {', '.join(packages)}", fix="look at its sources")


def _fetch_wheels(site: Path, requirements: Path, version: str) -> None:
    """Unpack the wheels that the bundle's requirements pin; pip refuses any whose hash differs."""
    say(f"aarch64: fetching what {requirements.name} pins with pip")
    with fresh_folder(site) as folder:
        downloads = folder / ".downloads"
        platforms = [part for name in PLATFORMS for part in ("--platform", name)]
        kind = ["--python-version", version, "--only-binary=:all:", "--no-deps", "--require-hashes"]
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--dest", str(downloads)]
        _called([*pip, *platforms, *kind, "-r", str(requirements)])
        for wheel in sorted(downloads.glob("*.whl")):
            with zipfile.ZipFile(wheel) as opened:
                opened.extractall(folder)
        shutil.rmtree(downloads)


def _python(root: Path) -> Path:
    found = sorted((root / "usr/bin").glob("python3.[0-9]*[0-9]"))
    if not found:
        raise EnvironmentFault(f"{root} has no Python", fix="remove the folder, and run again")
    return found[-1]


def _called(command: list[str]) -> str:
    """Standard output of a program; its last words are the error where it fails or is missing."""
    environment = plain_environment() | {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, env=environment)
    except FileNotFoundError as error:
        raise EnvironmentFault(
            f"{command[0]} is missing", fix="emulating aarch64 needs Debian's apt and dpkg"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise EnvironmentFault(f"{command[0]} took longer than {SECONDS} s", fix="look at the network") from error
    if done.returncode:
        words = last_line(done.stderr or done.stdout)
        raise EnvironmentFault(f"{command[0]} failed", got=words, fix="is the network there?")
    return done.stdout
