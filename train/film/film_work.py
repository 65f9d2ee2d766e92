"""Films as items of a parallel map: what a worker needs to label any of them, and what it says of one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from dataengine.errors import InputError
from dataengine.files import locked_folder, sha256_file
from dataengine.leakage.film_names import film_name
from dataengine.tracking.association import Association

from ..pseudo.params import PseudoLabelParams
from ..trust.rule import TrustRule
from .choices import ChosenDetector
from .label_film import LABELS, Labeller, label_film
from .overlay import write_overlay
from .teachers import FilmTeacher

REFUSED = "refused"
_OPENED = ("teachers", "detector")


@dataclass(frozen=True, eq=False, kw_only=True)
class FilmWork:
    """Called with a film, it labels it and returns its outcome; a worker opens networks of its own."""

    open_teachers: Callable[[], tuple[FilmTeacher, ...]]
    """Picklable, as is the next."""
    choose_detector: Callable[[], ChosenDetector]
    """Called once in each process; each film opens what it returns."""
    rule: TrustRule | None
    params: PseudoLabelParams
    every: int
    decides: str
    """The hash that `Labeller` has."""
    association: Association | None
    """That `Labeller` has."""
    out: Path
    """Each film gets a folder of its own in there."""
    overlay: bool

    def __call__(self, film: Path) -> dict[str, Any]:
        """The metrics of the film, or why it is refused."""
        try:
            if not film.exists():
                raise InputError(f"{film} does not exist", expected="a film's file")
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
    def detector(self) -> ChosenDetector:
        """What each film opens."""
        return self.choose_detector()

    def _labeller(self) -> Labeller:
        opened = self.detector.opened()
        return Labeller(
            self.teachers, opened, self.rule, self.params, self.every, self.decides, association=self.association
        )
