"""List the registry: what was promoted, archived, refused or held, and why."""

from pathlib import Path

from dataengine.params import load_section
from dataengine.registry.records import CHAMPION_OUTCOMES, Event, Registry, RegistryParams
from dataengine.registry.registry_file import read_registry
from dataengine.terminal.options import PARAMS_FILE, ParamsFile
from dataengine.terminal.speech import answer


def command(
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """List every comparison that came to promotion and every rollback, oldest first, with outcome and reason.

    Reads the registry that registry.file names and writes nothing. The star marks the event that made the present
    champion; earlier champions are archived. A model that was held, or for which there was not enough evidence, stays
    in the registry as a candidate.

    Example: dataengine history
    """
    run(registry=Path(load_section(params, "registry", RegistryParams).file))


def run(*, registry: Path) -> None:
    """Print the history of the registry file."""
    from rich.console import Console
    from rich.table import Table

    content = read_registry(registry)
    if not content.events:
        answer("No model has come to promotion yet: run `dvc repro`.")
        return
    table = Table("", "model", "when (UTC)", "outcome", "AP", "sigmas", "against", "reason")
    for event in content.events:
        table.add_row(*row_of(event, content))
    console = Console()
    # The width of a pipe is unknown: take one at which no id or reason is broken.
    console = console if console.is_terminal else Console(width=220)
    console.print(table)


def row_of(event: Event, registry: Registry) -> tuple[str, ...]:
    """One line of the table."""
    states = {entry.id: entry.state for entry in registry.entries}
    state = states.get(event.id, "") if event.outcome in CHAMPION_OUTCOMES else ""
    outcome = f"{event.outcome}, archived since" if state == "archived" else event.outcome
    latest = next((e for e in reversed(registry.events) if e.outcome in CHAMPION_OUTCOMES), None)
    mark = "*" if event is latest else ""
    when = event.at.replace("T", " ").removesuffix("+00:00")
    return mark, event.id, when, outcome, f"{event.ap:.3f}", event.oks_sigmas, event.against or "-", event.reason
