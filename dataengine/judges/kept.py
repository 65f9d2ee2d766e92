"""Teachers' answers about films, kept on the disk film by film: asking takes minutes, judging them seconds."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from dataengine.files import atomic_path
from dataengine.inference.network_files import network_hashes
from dataengine.studies.settings import json_hash
from dataengine.studies.shared_pictures import picture_hashes
from dataengine.tracking.labelled_films import LabelledFilm

from .answers import TeacherAnswers, blazepose_answers, network_answers
from .turned_views import VIEWS

BLAZEPOSE = "blazepose"
FIELDS = ("points_px", "confidence", "mirrored_px", "views_px")


@dataclass(frozen=True)
class AskedTeachers:
    """BlazePose, and perhaps a second teacher."""

    blazepose: Path
    """The folder of its models."""
    second: Path | None
    """A checkpoint folder, or an adopted network."""
    kept: Path
    """The folder in which answers are kept."""

    def about(self, film: LabelledFilm) -> dict[str, TeacherAnswers]:
        """Teacher -> its answers about all people of the film, in their order."""
        answers = {
            BLAZEPOSE: self._kept(
                film, BLAZEPOSE, self.blazepose, lambda: blazepose_answers(film.people, film.images, self.blazepose)
            )
        }
        if self.second is not None:
            second = self.second
            answers[second.name] = self._kept(
                film, second.name, second, lambda: network_answers(second, film.people, film.images)
            )
        return answers

    def _kept(self, film: LabelledFilm, name: str, network: Path, ask: Callable[[], TeacherAnswers]) -> TeacherAnswers:
        asked_about = [picture_hashes(film.images), film.people.image_id.tolist(), film.people.bbox_xywh_px.tolist()]
        views = [asdict(view) for view in VIEWS]
        path = self.kept / f"{json_hash([name, network_hashes(network), asked_about, views])}.npz"
        try:
            with np.load(path, allow_pickle=False) as arrays:
                return TeacherAnswers(**{field: arrays[field] for field in FIELDS})
        except (FileNotFoundError, KeyError, ValueError, BadZipFile):
            answers = ask()
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as partial, partial.open("wb") as file:
            np.savez(file, **{field: getattr(answers, field) for field in FIELDS})
        return answers
