"""The store of the registry's models: ``<store>/<id>/`` holds an export, and the verdict and report that entered it.

`keep` puts a model in, `stored_model` is the only way out: it checks every file against the checksums of the sidecar
and of the registry, so that neither a flipped byte nor another export passes for what was promoted.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path

from dataengine.dvc_cache.checkout import check_out
from dataengine.errors import InputError
from dataengine.files import fresh_folder, sha256_file, short_sha256
from dataengine.inference.exported import SIDECAR, ExportedModel, load_exported
from dataengine.registry.records import Entry

_FIX = "`dvc pull` the store, or restore it from a backup"


def keep(model: ExportedModel, records: Mapping[str, Path], store: Path) -> tuple[ExportedModel, dict[str, str]]:
    """Copy `model` into the store, with the files `records` next to it under their names.

    Returns the copy and the checksums of the files next to its networks. An intact copy, from an earlier or a killed
    run, is used as it is; a damaged one is replaced in one step.
    """
    target = store / model.id
    sources = {SIDECAR: model.folder / SIDECAR, **records}
    record_sha256 = {name: sha256_file(source) for name, source in sources.items()}
    if _is_sound(target, model.sha256, record_sha256):
        return load_exported(target), record_sha256
    with fresh_folder(target) as folder:
        for name in model.sha256:
            shutil.copyfile(model.folder / name, folder / name)
        for name, source in sources.items():
            shutil.copyfile(source, folder / name)
        load_exported(folder)
    return load_exported(target), record_sha256


def stored_model(entry: Entry, store: Path) -> ExportedModel:
    """The artefacts of `entry`, checked; a store that is missing as a whole is first checked out by DVC.

    Raises:
        InputError: a file is missing, damaged, or not the one that the registry names.
    """
    if not store.exists():
        check_out(store)
    if not (store / entry.id).is_dir():
        raise InputError(f"{store / entry.id} does not exist", expected="the registry's model", fix=_FIX)
    model = load_exported(store / entry.id)
    if model.sha256 != entry.files:
        raise InputError(
            f"{store / entry.id} is not what the registry promoted",
            expected="the checksums of the registry",
            got="others",
            fix=_FIX,
        )
    for name, sha256 in entry.records.items():
        _check_record(store / entry.id, name, sha256)
    return model


def _check_record(folder: Path, name: str, sha256: str) -> None:
    if Path(name).name != name:
        raise InputError(f"the registry names a file outside of {folder}", got=name)
    path = folder / name
    got = sha256_file(path) if path.is_file() else "no such file"
    if got != sha256:
        raise InputError(
            f"{path} is not what the registry promoted",
            expected=f"sha256 {short_sha256(sha256)}",
            got=short_sha256(got),
            fix=_FIX,
        )


def _is_sound(folder: Path, files: Mapping[str, str], records: Mapping[str, str]) -> bool:
    try:
        same = load_exported(folder).sha256 == files
    except InputError:
        return False  # missing or damaged
    return same and all((folder / n).is_file() and sha256_file(folder / n) == sha for n, sha in records.items())
