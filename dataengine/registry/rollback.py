"""Make an archived model champion again, with a reason that stays in the history."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from dataengine.errors import InputError
from dataengine.params import load_section
from dataengine.registry.records import Event, RegistryParams
from dataengine.registry.registry_file import locked, read_registry, write_registry
from dataengine.registry.store import stored_model
from dataengine.terminal.options import PARAMS_FILE, ParamsFile
from dataengine.terminal.speech import say


def command(
    to: Annotated[str, typer.Option(help="Id of an archived model; `dataengine history` lists them.")],
    reason: Annotated[str, typer.Option(help="Why, in one line, for whoever reads the history later.")],
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Make an archived model champion again.

    Checks the model's files in the store against the registry's checksums, archives the present champion, and enters
    the rollback with your reason in the history, in one step and under the registry's lock; nothing is deleted.
    registry.file and registry.store say where both are. The model that was taken back is held from then on, however
    well it compares, until promote.again names it.

    Example: dataengine rollback --to 3d832ce40a80 --reason "misses cyclists at night"
    """
    paths = load_section(params, "registry", RegistryParams)
    run(to, reason, registry=Path(paths.file), store=Path(paths.store))


def run(to: str, reason: str, *, registry: Path, store: Path) -> None:
    """Roll back to the entry `to`.

    Raises:
        InputError: no archived entry has this id, its artefacts are damaged, or the reason is empty.
    """
    reason_line = " ".join(reason.split())
    if not reason_line:
        raise InputError("a rollback needs a reason", fix="give one with --reason")
    with locked(registry):
        before = read_registry(registry)
        after = before.with_rollback_to(to)
        entry = before.entry(to)
        stored_model(entry, store)
        against = before.champion.id if before.champion else ""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        event = Event(now, to, "rolled back", against, entry.ap, entry.oks_sigmas, reason_line, comparison_sha256="")
        write_registry(registry, after.with_event(event))
    say(f"{to} is champion again, {against} is archived and will be held. Next: dataengine begin-round, and a commit.")
