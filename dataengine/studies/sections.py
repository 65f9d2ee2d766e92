"""Sections of params.yaml by name, for those who judge what another room reads: a lazy table, as that of commands is.

A room imports no other, so what stands here are names; a module is imported when its section is read. Adding a section:
a line of `SECTIONS`. What fails silently: a section without a line is judged by its own command alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from dataengine.params import load_section, section_as
from dataengine.studies.settings import section_of, with_settings


@dataclass(frozen=True)
class SectionReader:
    """One line of the table."""

    module: str
    """Dotted name of the module in which the dataclass stands."""
    name: str
    """The dataclass."""
    base: str = ""
    """The section from which keys come that this one lacks."""

    @property
    def dataclass(self) -> Any:
        """The dataclass, whose module is imported."""
        return getattr(import_module(self.module), self.name)


SECTIONS: Mapping[str, SectionReader] = {
    "render": SectionReader("dataengine.blender.scene.params", "RenderParams"),
    "requests": SectionReader("dataengine.requests.pinned", "RequestsParams"),
    "balance": SectionReader("dataengine.datasets.balance", "BalanceParams"),
    "mix": SectionReader("dataengine.datasets.mix", "MixParams"),
    "fit-teacher": SectionReader("dataengine.train.fit.params", "FitParams", "fit"),
    "pseudo-label": SectionReader("dataengine.train.pseudo.params", "PseudoLabelParams"),
    "fit-student": SectionReader("dataengine.train.unlabelled.student_params", "FitStudentParams", "fit"),
    "select": SectionReader("dataengine.active.query.select_params", "SelectParams"),
    "request": SectionReader("dataengine.active.asking.request_params", "RequestParams"),
    "export": SectionReader("dataengine.train.deploy.params", "ExportParams"),
    "oks": SectionReader("dataengine.evaluation.own_sigmas", "OksParams"),
    "compare": SectionReader("dataengine.train.gate.policy", "CompareParams"),
    "promote": SectionReader("dataengine.train.promote", "PromoteParams"),
}


def read_section(params: Path, section: str) -> Any:
    """Section `section` of the file `params` as the dataclass that its command reads it into.

    Raises:
        ParamsError: a key is unknown or missing, or a value is of another kind or out of range.
    """
    reader = SECTIONS[section]
    return load_section(params, section, reader.dataclass, base=reader.base)


def check_settings(document: Mapping[str, Any], settings: Mapping[str, str]) -> None:
    """Read the sections that settings change, as the commands will that come after hours of others.

    Args:
        document: the project's params.yaml.
        settings: ``section.key`` -> value, as in YAML.

    Raises:
        ParamsError: a key is unknown, or a value is of another kind or out of range.
    """
    changed = {section_of(key) for key in settings}
    for name, reader in SECTIONS.items():
        if changed & {name, reader.base}:
            laid = with_settings(document, [name, reader.base], settings)
            section_as(reader.dataclass, name, laid.get(name, {}), laid.get(reader.base, {}))
