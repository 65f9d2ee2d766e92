"""Films as items of a parallel map: what a worker needs to label any of them, and what it says of one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from dataengine.errors import InputError
from dataengine.files import locked_folder, sha256_file
from dataengine.films import detectors
from dataengine.films.detectors import FilmDetector
from dataengine.inference.running.predict import load_runner
from dataengine.leakage.film_names import film_name

from ..pseudo.params import PseudoLabelParams
from ..pseudo.teachers import BLAZEPOSE
from ..trust.rule import TrustRule
from .label_film import LABELS, Labeller, label_film
from .overlay import write_overlay
from .teachers import BlazePoseTeacher, FilmTeacher, NetworkTeacher

REFUSED = "refused"
_OPENED = ("teachers", "detector_for_a_film")


@dataclass(frozen=True, eq=False, kw_only=True)
class FilmWork:
    """Called with a film, it labels it and returns its outcome; a worker opens networks of its own."""

    open_teachers: Callable[[], tuple[FilmTeacher, ...]]
    """Picklable, as is the next."""
    choose_detector: Callable[[], Callable[[], FilmDetector]]
    """Called once in each process; what it returns, once for each film."""
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
        return {name: value for name, value in vars(self).items() if name not in _OPENED}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        vars(self).update(state)

    @cached_property
    def teachers(self) -> tuple[FilmTeacher, ...]:
        """Those that judge together. Raises InputError where one cannot be loaded."""
        return self.open_teachers()

    @cached_property
    def detector_for_a_film(self) -> Callable[[], FilmDetector]:
        """Opens the detector for the next film."""
        return self.choose_detector()

    def _labeller(self) -> Labeller:
        detector = self.detector_for_a_film()
        return Labeller(self.teachers, detector, self.rule, self.params, self.every, self.decides)


def open_teachers(models: tuple[str, ...], blazepose: Path) -> tuple[FilmTeacher, ...]:
    """The teachers that checkpoint folders and the word blazepose name."""
    return tuple(
        BlazePoseTeacher(blazepose)
        if model == BLAZEPOSE
        else NetworkTeacher(Path(model).name, *load_runner(Path(model)))
        for model in models
    )


def detector_of(boxes: Path | None, blazepose: Path, every: int) -> Callable[[], FilmDetector]:
    """The boxes of a file, or BlazePose's in every n-th frame."""
    if boxes is not None:
        return lambda: detectors.BoxesOfFile(boxes)
    return lambda: detectors.BlazePoseDetector(blazepose, every)
