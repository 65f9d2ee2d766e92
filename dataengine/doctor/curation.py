"""Curation: FiftyOne, the database behind it, and the port of its App."""

from __future__ import annotations

from .facts import Facts
from .lines.check_result import CheckResult, Status
from .project import LATER, REPAIR

_START_IT = "start it, or unset FIFTYONE_DATABASE_URI"
_ANOTHER = f"{REPAIR}; or name a running MongoDB in FIFTYONE_DATABASE_URI"


def check_fiftyone(facts: Facts) -> CheckResult:
    """FiftyOne is installed. It is not imported: that takes seconds, and starts the database."""
    if facts.fiftyone:
        return CheckResult("FiftyOne", "ok", facts.fiftyone)
    if facts.project.set_up != "yes":
        return CheckResult("FiftyOne", "note", "not installed yet", LATER)
    return CheckResult("FiftyOne", _status(facts), "not installed", "", f"{REPAIR}, or set select.fiftyone: false")


def check_database(facts: Facts) -> CheckResult:
    """A mongod that runs, or the server that the user named."""
    database = facts.database
    if database is None:
        return CheckResult("database", "note", "none without FiftyOne", LATER if facts.project.set_up != "yes" else "")
    if database.answer.fault:
        found = f"{database.where}: {database.answer.fault}"
        fix = _START_IT if database.named else _ANOTHER
        return CheckResult("database", _status(facts), found, "", fix)
    if database.folder_fault:
        fix = "give permission, or name another folder in FIFTYONE_DATABASE_DIR"
        return CheckResult("database", _status(facts), database.folder_fault, "", fix)
    used = f"at {database.where}" if database.named else "started when needed, on a free port"
    return CheckResult("database", "ok", database.answer.text, used)


def check_app_port(facts: Facts) -> CheckResult:
    """The App's port is free."""
    address = f"{facts.project.value('app', 'address', '127.0.0.1')}:{facts.project.value('app', 'port', 5151)}"
    if not facts.app_port_fault:
        return CheckResult("App", "ok", f"{address} is free", "dataengine app")
    fix = "end what listens there, or change app.port in params.yaml"
    return CheckResult("App", "note", f"{address}: {facts.app_port_fault}", "dataengine app cannot start", fix)


def _status(facts: Facts) -> Status:
    """What is missing here stops the default run only where `select` is to build a dataset."""
    return "fault" if facts.project.value("select", "fiftyone", True) else "note"
