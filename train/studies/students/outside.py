"""Outside teachers: networks that learned elsewhere, asked once about everybody in known boxes; answers are kept."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from dataengine.crops.pixels import people_by_picture
from dataengine.errors import InputError
from dataengine.evaluation.ap.protocol import OksProtocol
from dataengine.evaluation.figures import Figures, figures_of
from dataengine.files import atomic_path
from dataengine.infer.side_by_side import SideBySide
from dataengine.inference.network_files import MODELS, network_hashes
from dataengine.keypoints import UNLABELLED, VISIBLE
from dataengine.pictures.reading.decoding import read_picture
from dataengine.studies.settings import json_hash
from dataengine.terminal.progress import track
from dataengine.terminal.speech import say

from ...film.teachers import BlazePoseTeacher
from ...pseudo.filters import Opinion
from ...pseudo.params import PseudoLabelParams
from ...pseudo.teachers import BLAZEPOSE, fitted_opinion
from ...trust.fusion import VOUCHES_FROM
from ...trust.rule import TrustRule
from .labelling import PseudoLabels, labels_of, trust_in
from .plan import LIKELY, PLAIN
from .sets import Labelled, StudentSets, without_labels

MOST_TEACHERS = 2  # by thresholds no more can be judged
PART = 200  # people whose answers one file keeps: a study that is stopped asks about that many again


@dataclass(frozen=True, eq=False)
class OutsideTeachers:
    """One or two of them, and the sets of the study."""

    folders: dict[str, Path]
    """Name -> checkpoint or adopted folder, or that of BlazePose's models."""
    sets: StudentSets
    params: PseudoLabelParams
    protocol: OksProtocol
    kept: Path
    """Folder for their answers."""

    @cached_property
    def decides(self) -> list[object]:
        """The teachers' names and the checksums of their files."""
        return [[name, network_hashes(folder)] for name, folder in self.folders.items()]

    def label(self, recipe: str, others: Labelled) -> PseudoLabels:
        """The labels that `recipe` takes, of training pictures `others`. No joint that nobody in validation has
        labelled is accepted: nothing shows that it is right.

        Raises:
            InputError: the validation people are too few to learn trust from.
        """
        people = self.sets.train[0]
        rows = np.flatnonzero(np.isin(people.image_id, others[1].id))
        opinions = {name: _taken(opinion, rows) for name, opinion in self._of("train").items()}
        known = np.asarray((self.sets.val[0].visibility > UNLABELLED).any(axis=0))
        return labels_of(opinions, others, *self._judged_by(recipe), self.protocol, known)

    def _judged_by(self, recipe: str) -> tuple[TrustRule | None, PseudoLabelParams]:
        if recipe == PLAIN:
            return None, self.params
        # the rest of the rule does not depend on the target, and half asks for the fewest people
        params = replace(self.params, target_precision=VOUCHES_FROM) if recipe == LIKELY else self.params
        rule = trust_in(self._of("val"), self.sets.val, params, self.protocol)
        if isinstance(rule, str):
            raise InputError(f"--recipe {recipe} learns no trust", got=rule, fix=f"take {PLAIN}, or more of --val")
        say(f"compare-students: {rule.line()}")
        return rule.accepting(VOUCHES_FROM) if recipe == LIKELY else rule, params

    def figures(self) -> dict[str, Figures]:
        """Each teacher's own figures on the validation people, who are asked about in any case; ranked by its mean
        confidence in joints with labels."""
        people, images = self.sets.val
        known = (people.visibility > UNLABELLED).any(axis=0)
        found = {}
        for name, opinion in self._of("val").items():
            answers = people.replace(
                keypoints_px=opinion.keypoints_px.astype(np.float32),
                visibility=np.full_like(people.visibility, VISIBLE),
                score=opinion.confidence[:, known].mean(axis=1).astype(np.float32),
            )
            found[name] = figures_of(people, images, answers, self.protocol)
        return found

    def _of(self, split: str) -> dict[str, Opinion]:
        return {name: self._kept(split, name) for name in self.folders}

    def _kept(self, split: str, name: str) -> Opinion:
        """What a teacher says of everybody in a set, part by part from files where it was asked before."""
        people, images = getattr(self.sets, split)
        hidden, folder = without_labels(people), self.folders[name]
        mark = json_hash([network_hashes(folder), self.sets.sha256, PART])
        parts = []
        for first in range(0, len(people), PART):
            path = self.kept / f"{name}-{split}-{first}-{mark}.npz"
            try:
                with np.load(path, allow_pickle=False) as arrays:
                    parts.append(Opinion(**{field.name: arrays[field.name] for field in fields(Opinion)}))
                continue
            except (FileNotFoundError, KeyError, ValueError, BadZipFile):
                some = hidden.take(np.arange(first, min(first + PART, len(people))))
                say(f"compare-students: {name} answers {split} people {first} to {first + len(some)} of {len(people)}")
                pictures = images.take(np.isin(images.id, some.image_id))
                parts.append(_asked(name, folder, (some, pictures)))
            with atomic_path(path) as partial:
                np.savez(partial, **{field.name: getattr(parts[-1], field.name) for field in fields(Opinion)})
        return Opinion(
            **{field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Opinion)}
        )


def outside_folders(teachers: list[str], fetched: Path) -> dict[str, Path]:
    """Name -> folder of the teachers of the command line, BlazePose first, as the thresholds have it.

    Raises:
        InputError: there are more than two, two have one name, or one has no file of a network.
    """
    named = [(BLAZEPOSE, fetched / MODELS) if each == BLAZEPOSE else (Path(each).name, Path(each)) for each in teachers]
    folders = dict(sorted(named, key=lambda pair: pair[0] != BLAZEPOSE))
    if len(teachers) > MOST_TEACHERS or len(folders) < len(teachers):
        expected = f"{MOST_TEACHERS} at most, with names of their own"
        raise InputError("--teacher does not fit", expected=expected, got=", ".join(teachers))
    for name, folder in folders.items():
        if not network_hashes(folder):
            expected = f"{BLAZEPOSE}, or a folder of `dataengine adopt` or of a fit"
            raise InputError(f"--teacher {name}: no network in {folder}", expected=expected)
    return folders


def _asked(name: str, folder: Path, labelled: Labelled) -> Opinion:
    people, images = labelled
    if name != BLAZEPOSE:
        return fitted_opinion(folder, people, images)
    teacher, order = BlazePoseTeacher(folder), list[int]()
    for row, persons in track(people_by_picture(images.rows_of(people.image_id)), name, unit="image"):
        teacher.look(read_picture(str(images.path[row])), people.bbox_xywh_px[persons].astype(np.float64))
        order.extend(persons)
    return _taken(teacher.ask()(SideBySide()), np.argsort(order))


def _taken(opinion: Opinion, rows: NDArray[np.int64]) -> Opinion:
    return Opinion(**{field.name: getattr(opinion, field.name)[rows] for field in fields(Opinion)})
