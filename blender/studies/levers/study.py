"""The study: which render sets are made, which fits are run on them, and what is known of earlier calls."""

import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from dataengine.coco_json import read_project_people
from dataengine.errors import InputError
from dataengine.files import read_json, sha256_file, write_json
from dataengine.params import load_values
from dataengine.people import Images, People
from dataengine.studies.settings import json_hash
from dataengine.studies.study import Study
from dataengine.typed_record import RECORDS

from .fit_runs import FitLengths, LeverOutcome, fit, read_outcome, section, write_mix
from .lever import Lever
from .page import LeverFacts, write_lever_page
from .render_sets import RenderSets


@dataclass(frozen=True, order=True)
class LeverRun:
    """One fit."""

    lever: str
    seed: int


@dataclass(frozen=True, kw_only=True)
class LeverStudy(Study[LeverRun, LeverOutcome]):
    """The levers on one set of labelled photographs."""

    command = "compare-renders"
    unit = "fit"
    page_name = "render_levers"

    levers: Mapping[str, Lever]
    seeds: tuple[int, ...]
    lengths: FitLengths
    sets: RenderSets
    real: Path
    """Labelled photographs to learn from."""
    val: Path
    """Labelled photographs to measure on."""
    labels: int
    """How many photographs of `real` are learned from."""
    words: str
    """The command line, for the page."""

    def prepare(self) -> None:
        """Choose the photographs, of which there may be too few, and render what is missing."""
        _ = self._photographs
        self.sets.make(list(self.levers.values()))

    def trials(self) -> list[LeverRun]:
        """Seed by seed, so that a study that was stopped has compared all levers alike."""
        return [LeverRun(name, seed) for seed in self.seeds for name in self.levers]

    def known(self, trial: LeverRun) -> LeverOutcome | None:
        """What an earlier call measured; None where anything that decides it has changed."""
        path = self.record_file(self._name(trial))
        return RECORDS.record(LeverOutcome, read_json(path)["outcome"], str(path)) if path.exists() else None

    def outcome(self, trial: LeverRun) -> LeverOutcome:
        """Fit, read the figures, keep them; the network is not kept."""
        name, lever = self._name(trial), self.levers[trial.lever]
        folder = self.report / "fits" / name
        rendered = self.sets.read(lever)
        if not (folder / "mix" / "recipe.json").exists():
            write_mix(folder / "mix", rendered, self._photographs, trial.seed)
        fit(self.sets.params_file, folder / "mix", self.val, self._section(trial), folder)
        found = read_outcome(folder, self.lengths, len(rendered[0]))
        write_json(self.record_file(name), {**asdict(trial), "params": asdict(lever), "outcome": asdict(found)})
        shutil.rmtree(folder)
        return found

    def write(self, known: Mapping[LeverRun, LeverOutcome]) -> None:
        """The page and the plot."""
        facts = LeverFacts(
            words=self.words,
            people=self.lengths.epochs * self.lengths.people_per_epoch,
            label_people=self.lengths.label_epochs * self.lengths.people_per_epoch,
            labels=self.labels,
            validation_people=len(read_project_people(self.val)[0]),
        )
        by_lever = {
            name: {seed: known[LeverRun(name, seed)] for seed in self.seeds if LeverRun(name, seed) in known}
            for name in self.levers
        }
        write_lever_page(self.report, facts, self.levers, by_lever, planned=len(self.seeds))

    @cached_property
    def _photographs(self) -> tuple[People, Images] | None:
        """The `labels` photographs whose content has the lowest hash, and their people. InputError: there are fewer."""
        if not self.labels:
            return None
        people, images = read_project_people(self.real)
        people = people.take((people.visibility > 0).any(axis=1))
        images = images.take(np.unique(images.rows_of(people.image_id)))
        if len(images) < self.labels:
            raise InputError(
                "there are too few labels", expected=str(self.labels), got=str(len(images)), fix="lower --labels"
            )
        order = np.argsort([sha256_file(Path(path)) for path in images.path.tolist()], kind="stable")
        first = images.take(np.sort(order[: self.labels]))
        return people.take(np.isin(people.image_id, first.id)), first

    def _section(self, trial: LeverRun) -> dict[str, Any]:
        return section(self.sets.params_file, self.lengths, trial.seed, self.levers[trial.lever].fit)

    def _name(self, trial: LeverRun) -> str:
        lever = self.levers[trial.lever]
        people_file = self.sets.people_file(lever)
        decides = [
            self._section(trial),
            lever.images,
            asdict(lever.keep),
            self.labels,
            self._given,
            sha256_file(people_file),
        ]
        short = "".join(letter if letter.isalnum() else "-" for letter in trial.lever)
        return f"{short}-seed{trial.seed}-{json_hash(decides)}"

    @cached_property
    def _given(self) -> list[Any]:
        files = [sha256_file(path) for path in (self.real, self.val)]
        return [*files, *(load_values(self.sets.params_file, name) for name in ("fit", "oks"))]
