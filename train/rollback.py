"""Make an archived model champion again, with a reason that stays in the history."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from dataengine.errors import InputError
from dataengine.params import load_section
from dataengine.registry.records import Event, RegistryParams, locked, read_registry, write_registry
from dataengine.registry.store import stored_model


def command(
    to: Annotated[str, typer.Option(help="Id of an archived model; `dataengine history` lists them.")],
    reason: Annotated[str, typer.Option(help="Why: one line for those who read the history later.")],
    params: Annotated[Path, typer.Option(help="File with section `registry`.")] = Path("params.yaml"),
) -> None:
    """Make an archived model champion again.

    Its artefacts are checked first against the registry's checksums; the present champion is archived, and nothing is
    deleted. The rollback is noted in the history with your reason, in one step and under the registry's lock. The
    verdict that made the model champion which is now archived does not promote it a second time.

    Example: dataengine rollback --to 3d832ce40a80 --reason "misses cyclists at night"
    """
    paths = load_section(params, "registry", RegistryParams)
    run(to, reason, Path(paths.file), Path(paths.store))


def run(to: str, reason: str, registry: Path, store: Path) -> None:
    """Roll back to the entry `to`.

    Raises:
        InputError: no such archived entry, damaged artefacts, or no reason.
    """
    reason_line = " ".join(reason.split())
    if not reason_line:
        raise InputError("a rollback needs a reason", fix="say it with --reason")
    with locked(registry):
        before = read_registry(registry)
        after = before.with_rollback_to(to)
        entry = before.entry(to)
        stored_model(entry, store)
        against = before.champion.id if before.champion else ""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        event = Event(now, to, "rolled back", against, entry.ap, reason_line, comparison_sha256="")
        write_registry(registry, after.with_event(event))
    print(f"{to} is champion again, {against} is archived. Next: dataengine begin-round, and commit {registry}.")
