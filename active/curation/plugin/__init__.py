"""The FiftyOne plugin `@dataengine/pose`: operators and a panel around what `select` chose.

FiftyOne runs this file under a name of its own (`fiftyone.plugins.orgs.dataengine.pose`), where relative imports find
nothing; so `register` loads the package by its real name. In reading order: `place.py` (which project a dataset shows),
`joints.py` (a person's answer), `journal.py` (answers on disk), `answer_file.py` (what `label-import` reads),
`fields.py` (answers in FiftyOne), `picks.py` (the queue), `trying.py` (picks by another rule), `renders.py`,
`round_facts.py`, `commands.py`, then the operators (`said.py`, `joint_operators.py`, `people_operators.py`,
`file_operators.py`, `rule_operators.py`) and the panel.

Adding an operator: a class in one of these files, its name in `fiftyone.yml` and in `skills/curate_poses/SKILL.md`.
"""

from importlib import import_module
from typing import Any

PACKAGE = "dataengine.active.curation.plugin"


def register(plugin: Any) -> None:
    """Called by FiftyOne, which passes the plugin's context."""
    for name in ("joint_operators", "people_operators", "file_operators", "rule_operators", "panel"):
        for cls in import_module(f"{PACKAGE}.{name}").REGISTERED:
            plugin.register(cls)
