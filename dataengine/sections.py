"""Sections of params.yaml by name, for those who judge what another room reads: a lazy table, as that of commands is.

A room imports no other, so what stands here are names; a module is imported when its section is read. Adding a section:
a line of `SECTIONS`. What fails silently: a section without a line is judged by its own command alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from dataengine.params import load_section


@dataclass(frozen=True)
class SectionReader:
    """One line of the table."""

    module: str
    """Dotted name of the module in which the dataclass stands."""
    name: str
    """The dataclass."""
    base: str = ""
    """The section from which keys come that this one lacks."""


SECTIONS: Mapping[str, SectionReader] = {
    "render": SectionReader("dataengine.blender.scene.params", "RenderParams"),
    "requests": SectionReader("dataengine.requests.pinned", "RequestsParams"),
    "balance": SectionReader("dataengine.datasets.balance", "BalanceParams"),
    "mix": SectionReader("dataengine.datasets.mix", "MixParams"),
    "fit-teacher": SectionReader("dataengine.train.fit.params", "FitParams", "fit"),
    "pseudo-label": SectionReader("dataengine.train.pseudo.params", "PseudoLabelParams"),
    "fit-student": SectionReader("dataengine.train.fit_student", "FitStudentParams", "fit"),
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
    return load_section(params, section, getattr(import_module(reader.module), reader.name), base=reader.base)
