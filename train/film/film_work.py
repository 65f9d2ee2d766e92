"""Films as items of a parallel map: what a worker needs to label any of them, and what it says of one."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from dataengine.errors import InputError
from dataengine.files import locked_folder, sha256_file
from dataengine.films import detectors
from dataengine.inference.running.predict import load_runner
from dataengine.leakage.film_names import film_name

from ..pseudo.params import PseudoLabelParams
from ..pseudo.teachers import BLAZEPOSE
from ..trust.rule import TrustRule
from .label_film import LABELS, Labeller, label_film
from .overlay import write_overlay
from .teachers import BlazePoseTeacher, FilmTeacher, NetworkTeacher

REFUSED = "refused"


@dataclass(frozen=True, eq=False, kw_only=True)
class FilmWork:
    """Called with a film, it labels it and returns its outcome; workers get it without networks, and load their own."""

    models: tuple[str, ...]
    """Checkpoint folders, or blazepose."""
    blazepose: Path
    """Folder of BlazePose's models."""
    boxes: Path | None
    detect_every: int
    """People are looked for in every n-th of the frames that are read."""
    rule: TrustRule | None
    params: PseudoLabelParams
    every: int
    decides: str
    """The hash that `Labeller` has."""
    out: Path
    """Each film gets a folder of its own in there."""
    overlay: bool

    def __call__(self, film: Path) -> dict[str, Any]:
        """The metrics of the film, or why it is refused."""
        try:
            folder = self.out / film_name(film, sha256_file(film))
            with locked_folder(folder):  # the same film by another name may be another worker's
                metrics = label_film(film, folder, self._labeller())
                if self.overlay:
                    metrics["overlay"] = str(write_overlay(film, folder / LABELS, folder))
            return {"file": str(film), **metrics}
        except (InputError, FileNotFoundError) as error:
            return {"file": str(film), "outcome": REFUSED, "why": str(error)}

    def __getstate__(self) -> Mapping[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "teachers"}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        vars(self).update(state)

    @cached_property
    def teachers(self) -> tuple[FilmTeacher, ...]:
        """In the order of `models`. Raises InputError where one cannot be loaded."""
        return tuple(open_teacher(model, self.blazepose) for model in self.models)

    def _labeller(self) -> Labeller:
        detector = (
            detectors.BoxesOfFile(self.boxes)
            if self.boxes
            else detectors.BlazePoseDetector(self.blazepose, self.detect_every)
        )
        return Labeller(self.teachers, detector, self.rule, self.params, self.every, self.decides)


def open_teacher(model: str, blazepose: Path) -> FilmTeacher:
    """The teacher that a checkpoint folder or the word blazepose names."""
    if model == BLAZEPOSE:
        return BlazePoseTeacher(blazepose)
    return NetworkTeacher(Path(model).name, *load_runner(Path(model)))
