"""Tools: the project and its environment, git, DVC, and a browser for the tests."""

from __future__ import annotations

from .facts import Facts
from .lines.check_result import CheckResult
from .project import LATER, REPAIR

_NAMED = 2  # packages; the rest are counted


def check_project(facts: Facts) -> CheckResult:
    """The folder holds a project whose params can be read."""
    project = facts.project
    if not project.found:
        found = f"none: {project.root} has no dvc.yaml and params.yaml"
        return CheckResult("project", "note", found, "default params are assumed", "cd to the project's folder")
    if project.params_fault:
        return CheckResult("project", "fault", f"params.yaml cannot be read: {project.params_fault}", "", "correct it")
    return CheckResult("project", "ok", str(project.root))


def check_environment(facts: Facts) -> CheckResult:
    """The Python that runs this, and whether its packages are those that were tried."""
    packages = facts.packages
    found = f"Python {packages.python} in {packages.prefix}"
    if facts.python_fault:
        return CheckResult("environment", "fault", found, f"not {facts.python_fault.expected}", facts.python_fault.fix)
    if facts.project.found and facts.project.set_up != "yes":
        why = "set-up has not run" if facts.project.set_up == "no" else "set-up is out of date"
        return CheckResult("environment", "note", found, f"{why}; make repro does it first")
    if packages.unlike:
        shown = ", ".join(packages.unlike[:_NAMED])
        more = f" and {len(packages.unlike) - _NAMED} more" if len(packages.unlike) > _NAMED else ""
        used = f"unlike constraints.txt: {shown}{more}"
        return CheckResult("environment", "note", found, used, REPAIR)
    return CheckResult("environment", "ok", found)


def check_git(facts: Facts) -> CheckResult:
    """git runs and the project is a checkout, which DVC asks for."""
    if facts.git.fault == "not found":
        return CheckResult("git", "fault", "not installed", "", "on Debian: apt-get install git")
    if not facts.project.found:
        return CheckResult("git", "ok", "installed")
    if "dubious ownership" in facts.git.fault:
        fix = f"git config --global --add safe.directory {facts.project.root.resolve()}"
        return CheckResult("git", "fault", "the project's folder belongs to another user", "", fix)
    if facts.git.fault:
        return CheckResult("git", "fault", facts.git.fault, "", "git init && git add -A && git commit -m 'The project'")
    return CheckResult("git", "ok", "the project is a checkout")


def check_dvc(facts: Facts) -> CheckResult:
    """DVC is installed."""
    if facts.dvc:
        return CheckResult("DVC", "ok", facts.dvc)
    if facts.project.set_up != "yes":
        return CheckResult("DVC", "note", "not installed yet", LATER)
    return CheckResult("DVC", "fault", "not installed, or its command is missing", "", REPAIR)


def check_browser(facts: Facts) -> CheckResult:
    """A browser, for the tests that look at pages."""
    if facts.browser:
        return CheckResult("browser", "ok", facts.browser, "by the tests alone")
    used = "only the tests that look at pages need one; they skip"
    return CheckResult("browser", "note", "none", used, "on Debian: apt-get install chromium")
