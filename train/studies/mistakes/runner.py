"""The study from labels to page: split, make mistakes, search, measure, fit students; the page grows with it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from dataengine.errors import InputError
from dataengine.evaluation.analysis.image_clusters import units_of
from dataengine.people import Images, People

from ...mistakes.params import FindMistakesParams
from ...mistakes.search import Search, kept_sightings, search
from .inject import Injected, inject
from .measure import kind_figures, ranking, ranking_figures
from .relabel import HeldOutPeople, students
from .report import StudyPage, write_page

VALIDATED = 200  # people that curves are drawn by


@dataclass(frozen=True, kw_only=True)
class MistakeStudy:
    """What is asked for."""

    params: FindMistakesParams
    outsiders: Mapping[str, Path]
    share: float
    """Share of the people with a mistake of each kind, and share of the ranking whose labels are put right."""
    test_people: int
    seeds: tuple[int, ...]
    """Seeds of students; without any, none are fitted."""
    student_people: int
    """People that each student sees."""
    report: Path


def run_study(study: MistakeStudy, people: People, images: Images, command: str) -> StudyPage:
    """Everything, in order; returns what the page says."""
    truth, held_out = people, HeldOutPeople(people.take([]), people.take([]))
    if study.seeds:
        truth, held_out = split(people, images, study.test_people, study.params.seed)
    pictures = images.take(np.unique(images.rows_of(truth.image_id)))
    kept = study.report / "kept"
    seen = kept_sightings(pictures, study.outsiders["BlazePose"], kept) if "BlazePose" in study.outsiders else None
    injected = inject(truth, pictures, seen, study.share, np.random.default_rng([study.params.seed, 1]))
    found = search(study.params, injected.people.take(injected.kept), pictures, folder=kept, outsiders=study.outsiders)
    page = _measured(study, truth, injected, found, pictures, held_out, command)
    write_page(study.report, page)
    student = _student_params(study)
    for result in students(
        student, truth, injected, ranking(found), study.share, held_out, images, seeds=study.seeds, folder=kept
    ):
        page = replace(page, students=(*page.students, result))
        write_page(study.report, page)
    return page


def split(people: People, images: Images, test_people: int, seed: int) -> tuple[People, HeldOutPeople]:
    """People to learn from, and those held out to draw curves by and to measure on; scenes stay whole.

    Raises:
        InputError: too few people are left to learn from.
    """
    scene = units_of(images, "group")[0].clusters[images.rows_of(people.image_id)]
    place = np.random.default_rng([seed, 2]).permutation(scene.max() + 1)[scene]
    order = np.argsort(place, kind="stable")
    last = {name: place[order[min(count, len(people)) - 1]] for name, count in _counts(test_people).items()}
    test, validated = place <= last["test"], (place > last["test"]) & (place <= last["both"])
    learnt = ~(test | validated)
    if learnt.sum() < len(people) / 4:
        got = str(int(learnt.sum()))
        raise InputError("too few people are left to learn from", expected="a quarter of the set", got=got)
    return people.take(learnt), HeldOutPeople(people.take(validated), people.take(test))


def _counts(test_people: int) -> dict[str, int]:
    return {"test": test_people, "both": test_people + VALIDATED}


def _measured(
    study: MistakeStudy,
    truth: People,
    injected: Injected,
    found: Search,
    pictures: Images,
    held_out: HeldOutPeople,
    command: str,
) -> StudyPage:
    rng = np.random.default_rng([study.params.seed, 3])
    return StudyPage(
        command=command,
        people=len(truth),
        test_people=len(held_out.test),
        folds=study.params.folds,
        fold_people=study.params.epochs * (study.params.people_per_epoch or 0),
        student_people=study.student_people,
        share=study.share,
        made={kind: int((injected.kind == kind).sum()) for kind in np.unique(injected.kind) if kind},
        kinds=tuple(kind_figures(found, injected, pictures, rng)),
        ranking=ranking_figures(found, injected, study.share),
        students=(),
        planned=len(study.seeds),
    )


def _student_params(study: MistakeStudy) -> FindMistakesParams:
    """Those of the folds' networks, with the students' number of people."""
    epochs = study.params.epochs
    return replace(study.params, people_per_epoch=max(study.student_people // epochs, 1))
