"""A selection in the ledger of rounds: the manifest's header and entries, under the digest of the whole selection."""

from __future__ import annotations

from pathlib import Path

from dataengine.rounds.asked import AskedRound, enter_round

from .files import MANIFEST, read_manifest, selection_sha256

NO_FACTS = ("format", "content_sha256", "images")


def enter_selection(rounds: Path, selection: Path) -> AskedRound | None:
    """Enter what `selection` asks for, unless it is there; None where it asks for nothing.

    Raises:
        InputError: the manifest, or a record in `rounds`, is damaged.
    """
    manifest = read_manifest(selection / MANIFEST)
    if not manifest["images"]:
        return None
    choice = {name: value for name, value in manifest.items() if name not in NO_FACTS}
    return enter_round(rounds, selection_sha256=selection_sha256(selection), choice=choice, picks=manifest["images"])
