"""The object that a worker builds once and then asks for every image, as JSON.

A `Job` names a class as ``module:name`` with its arguments: paths, dataclasses of plain values, and JSON's own types.
The other side reads them back by the annotations of the class, as strictly as a section of params.yaml. Floats arrive
exactly as they were.
"""

import importlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import Any, Protocol, get_type_hints

from dataengine.typed_record import RECORDS


class Maker(Protocol):
    """What a job builds."""

    def make(self, index: int) -> Any:
        """Make one image or raise; `EnvironmentFault` and a full disk end the whole run.

        A returned value must fit JSON and be short; everything else goes into files.
        """


@dataclass(frozen=True)
class Job:
    """``maker(**arguments)``, to be called in another process."""

    maker: str
    """Name of the class, such as ``dataengine.blender.pictures.maker:ImageMaker``."""
    arguments: dict[str, Any]
    """Arguments by the names of its parameters."""

    def to_json(self) -> str:
        """The job as JSON; `TypeError` for an argument that JSON cannot carry."""
        arguments = {name: _plain(value) for name, value in self.arguments.items()}
        return json.dumps({"maker": self.maker, "arguments": arguments})


def build(text: str) -> Any:
    """Build the object that a job describes. Raises `InputError` for an argument that does not fit its annotation."""
    job = json.loads(text)
    maker = named(job["maker"])
    kinds = get_type_hints(maker.__init__)  # type: ignore[misc]  # of the very class that was named
    return maker(**{name: _typed(kinds[name], value, name) for name, value in job["arguments"].items()})


def named(place: str) -> Callable[..., Any]:
    """The class or function that ``module:name`` names."""
    module, _, name = place.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return found


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def _typed(kind: Any, value: Any, name: str) -> Any:
    return Path(value) if kind is Path else RECORDS.value(kind, value, f"argument {name}")
