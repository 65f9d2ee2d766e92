"""The champion that a round is pinned to: the one registry entry that `compare.champion` of params.yaml names."""

from pathlib import Path

from dataengine.inference.exported import ExportedModel
from dataengine.params import load_key, load_section
from dataengine.registry.records import RegistryParams
from dataengine.registry.registry_file import read_registry
from dataengine.registry.store import stored_model


def pinned_champion(params_file: Path) -> ExportedModel | None:
    """The artefacts of the pinned champion, checked; None where no champion is pinned.

    Of section `compare` only the champion's name is read, so that callers do not depend on the gate's policy.

    Raises:
        InputError: the registry has no such entry, or a file of it is missing or not what was promoted.
    """
    entry_id = load_key(params_file, "compare", "champion", str)
    if not entry_id:
        return None
    registry = load_section(params_file, "registry", RegistryParams)
    return stored_model(read_registry(Path(registry.file)).entry(entry_id), Path(registry.store))
