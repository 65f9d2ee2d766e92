"""Options that several commands share."""

from importlib import import_module
from typing import get_type_hints

import pytest

from dataengine.cli import COMMANDS, main
from dataengine.terminal.options import seed_given


def test_no_command_forgets_that_a_seed_is_not_negative() -> None:
    found = {}
    for name, entry in COMMANDS.items():
        hint = get_type_hints(import_module(entry.module).command, include_extras=True).get("seed")
        if hint is not None and "list" not in str(hint.__origin__):  # of several, `parse_seeds` says so
            found[name] = hint.__metadata__[0].callback
    assert len(found) > 5 and set(found.values()) == {seed_given}


def test_a_negative_seed_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["label-export", "--selection", "absent", "--out", "a.json", "--seed", "-1"])
    assert ended.value.code == 2
    assert capsys.readouterr().err == "dataengine: error: --seed is negative: expected 0 or more, got -1\n"
