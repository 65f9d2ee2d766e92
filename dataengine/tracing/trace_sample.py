"""Follow one picture through the project: where it came from, what became of it, which models learnt from it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from dataengine.rounds.places import read_places
from dataengine.terminal.speech import answer

from .asking import answered_section, asked_section
from .catalogue import Catalogue
from .finding import FoundSample, find
from .learning import models_section
from .membership import measured_section, split_section
from .models import read_models
from .origin import origin_section
from .section import Section, shown
from .training import mix_section, pseudo_section

QUESTIONS: Sequence[Callable[[FoundSample], Section]] = (
    origin_section,
    split_section,
    mix_section,
    pseudo_section,
    asked_section,
    answered_section,
    models_section,
    measured_section,
)
"""In the order of a picture's way."""


def command(
    sample: Annotated[
        str,
        typer.Argument(help="A path, the end of one, an image id, or at least 6 digits of the file's SHA-256."),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON, for programs.")] = False,
    pipeline: Annotated[Path, typer.Option(help="The pipeline, which says where the files lie.")] = Path("dvc.yaml"),
) -> None:
    """Follow a picture from its film, its render or its set to the models that learnt from it.

    It says which film, frame and camera, or which seed and pose; its split, and why it is held out or left out; how
    often the mix draws the people in it; what pseudo-labelling accepted of them; in which round it was asked for and
    why; who labelled it, when and in how long; which of the fits and of the registry's models learnt from it; and what
    was measured on it. What the project's files do not say is called unknown.

    Reads what the stages wrote, the label store, the ledger of rounds and the registry, and writes nothing. A picture
    is known by the SHA-256 of its file. Where a hash is asked for that no file states, all pictures are read.

    Example: dataengine trace cam01-shacf4f2816_000000.jpg
    """
    found, sections = run(sample, pipeline=pipeline)
    if as_json:
        answer(json.dumps(document(found, sections), indent=1))
    else:
        for line in lines_of(found, sections):
            answer(line)


def run(wanted: str, *, pipeline: Path) -> tuple[FoundSample, list[Section]]:
    """The picture that `wanted` stands for, and what is known about it.

    Raises:
        InputError: no picture, or more than one, is meant; or a file of the project is damaged.
    """
    places = read_places(pipeline)
    found = find(Catalogue(places), read_models(places), wanted)
    return found, [question(found) for question in QUESTIONS]


def lines_of(found: FoundSample, sections: Sequence[Section]) -> Iterator[str]:
    """The answer, to read."""
    yield shown(found.paths[0]) if found.paths else "a picture of which no file is left here"
    for other in found.paths[1:]:
        yield f"  also {shown(other)}"
    yield f"sha256 {found.sha256 or 'unknown'}"
    width = max(len(section.title) for section in sections)
    for number, section in enumerate(sections):
        last = number == len(sections) - 1
        for row, line in enumerate(section.lines):
            branch = ("└─ " if last else "├─ ") if row == 0 else ("   " if last else "│  ")
            yield f"{branch}{section.title if row == 0 else '':<{width}}  {line}"


def document(found: FoundSample, sections: Sequence[Section]) -> dict[str, Any]:
    """The answer as JSON values, by the titles of the sections."""
    known = {"sha256": found.sha256 or None, "paths": [str(path) for path in found.paths]}
    return {**known, **{section.title: section.facts for section in sections}}
