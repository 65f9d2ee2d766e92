"""Pictures that labels own: kept under the SHA-256 of their bytes, and compared with it wherever they are read.

`keep` copies pictures into a folder, `refuse_changed` compares them. People who stand in such a picture carry its hash
in the column `PICTURE_SHA256`, through every file that is made of them.
"""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from dataengine.errors import InputError
from dataengine.files import atomic_path, sha256_file, short_sha256
from dataengine.people import Images, People

PICTURE_SHA256 = "sha256"
"""Column of `People`: the hash of the picture's file, None for a picture that is not kept."""
PICTURES = "pictures"
"""The folder of kept pictures, in the folder of the labels."""


def keep(pictures: Mapping[str, Path], folder: Path) -> dict[str, Path]:
    """Copy pictures, named by their SHA-256, into `folder`; returns where each lies, as ``<sha256>.<suffix>``.

    A picture that is there and whole is used as it is, one that is there and damaged is replaced; neither is ever
    written into. Killed or out of space, this leaves whole copies alone.

    Raises:
        InputError: a picture is neither there nor at its source, or the source holds another one.
        EnvironmentFault: the folder cannot be written to.
    """
    there = {path.stem: path for path in folder.iterdir()} if folder.is_dir() else {}
    return {sha256: _kept(sha256, source, there, folder) for sha256, source in pictures.items()}


def _kept(sha256: str, source: Path, there: Mapping[str, Path], folder: Path) -> Path:
    target = there.get(sha256, folder / f"{sha256}{source.suffix.lower()}")
    if _fault(target, sha256):
        content = source.read_bytes() if source.is_file() else None
        if content is None or hashlib.sha256(content).hexdigest() != sha256:
            raise InputError(
                f"picture {source} {'is missing' if content is None else 'has changed'}",
                expected=f"the one that was sent out, sha256 {sha256}",
                got="" if content is None else f"sha256 {hashlib.sha256(content).hexdigest()}",
                fix="bring it back: labels of another picture are worth nothing",
            )
        with atomic_path(target) as partial:
            partial.write_bytes(content)
    return target


def refuse_changed(pictures: Iterable[tuple[str, str]], what: str | Path) -> None:
    """Raise `InputError` if one of the `pictures` (path, SHA-256), which `what` names, is missing or another one."""
    faults = [(path, fault) for path, sha256 in pictures if (fault := _fault(Path(path), sha256))]
    if faults:
        path, fault = faults[0]
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise InputError(
            f"{what} has labels of pictures that are not as they were labelled: {path} {fault}{more}",
            fix=f"bring them back: `dvc pull --force {Path(path).parent}`",
        )


def refuse_changed_under(people: People, images: Images, what: str | Path) -> None:
    """`refuse_changed` for every picture whose hash `people` carry."""
    if PICTURE_SHA256 in people.extras:
        paths = images.path[images.rows_of(people.image_id)].tolist()
        known = zip(paths, people.extras[PICTURE_SHA256].tolist(), strict=True)
        refuse_changed(dict.fromkeys((path, str(sha256)) for path, sha256 in known if sha256), what)


def without_hashes(people: People) -> People:
    """People who stand in other copies of their pictures from now on."""
    extras = {name: column for name, column in people.extras.items() if name != PICTURE_SHA256}
    return people.replace(extras=extras)


def _fault(path: Path, sha256: str) -> str:
    """Why the file is not the picture of that hash; "" where it is."""
    if not path.is_file():
        return "is missing"
    found = sha256_file(path)
    return "" if found == sha256 else f"has changed, its sha256 is {short_sha256(found)}, not {short_sha256(sha256)}"
