"""Runs what a plan of rounds lists: experiments of DVC, their metrics read back, figures kept."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

from dataengine.coco_json import read_project_people
from dataengine.errors import InputError
from dataengine.files import read_json, sha256_file, write_json
from dataengine.nets.checkpoint import META_NAME, WEIGHTS_NAME
from dataengine.studies.dvc_project import DvcProject

from ...fit.data import MIX_PEOPLE, MIX_RECIPE
from ...fit.forgetting import average_precision
from ...fit.start import read_checkpoint
from .plan import MIX_FOLDER, TEST_FILE, Plan, Variant
from .report import Base, Outcome, write_report

MARK_DIGITS = 8
VAL_FILE = "val.json"
Fit = tuple[Variant, int]


@dataclass(frozen=True)
class Runner:
    """A plan in the working folder's project; `report` is absolute."""

    plan: Plan
    report: Path

    @cached_property
    def project(self) -> DvcProject:
        """Of the working folder."""
        return DvcProject(Path.cwd(), self.report / "study.log")

    def prepare(self) -> None:
        """Bring the data that the stage reads up to date, once, for all fits.

        Raises:
            InputError: the earlier round lacks a file.
        """
        for path in self._files():
            if not path.is_file():
                raise InputError(f"{path} is missing", mend="docs/training.md says how to keep a round's data")
        for stage in self.project.makers(self.plan.stage):
            self.project.repro(stage)

    @cached_property
    def base(self) -> Base:
        """What the earlier network does on both sets of people."""
        net, meta = read_checkpoint(self.plan.base)
        val, test = Path(self.project.out("ingest")) / VAL_FILE, self.plan.old / TEST_FILE
        (new_people, new_images), (old_people, old_images) = (read_project_people(path) for path in (val, test))
        return Base(
            new_ap=average_precision(net, meta, new_people, new_images),
            old_ap=average_precision(net, meta, old_people, old_images),
            new_people=len(new_people),
            old_people=len(old_people),
        )

    def known(self, fit: Fit) -> Outcome | None:
        """What an earlier call found."""
        path = self._record(fit)
        return Outcome(**read_json(path)["outcome"]) if path.exists() else None

    def outcome(self, fit: Fit) -> Outcome:
        """Run the experiment where there is none yet, keep its figures."""
        name, params = self.name(fit), self.plan.params_of(*fit)
        if name not in self.project.experiments():
            told = [f"{key}={value}" for key, value in params.items()]
            copied = (self.plan.base, self.plan.old)
            # alone: DVC does not know that the stage reads the earlier round, and would take an older result over
            self.project.run_experiment(name, told, self.plan.stage, copied=copied, alone=True)
        with tempfile.TemporaryDirectory(dir=self.report) as temporary:
            file = Path(temporary) / "metrics.json"
            revision = self.project.experiments()[name]
            self.project.fetch(revision, self.project.metrics_file(self.plan.stage), file)
            metrics = read_json(file)
        rate = metrics["images_per_s"]
        found = Outcome(
            metrics["val_oks_ap"], metrics["old_test_ap_after"], self.plan.seen(fit[0]) / rate if rate else 0.0
        )
        record = {"name": name, "params": params, "outcome": asdict(found)}
        write_json(self._record(fit), record)
        return found

    def write(self, known: Mapping[Fit, Outcome]) -> None:
        """The page and the plot."""
        write_report(self.report, self.plan, self.base, known)

    def name(self, fit: Fit) -> str:
        """Of its experiment: it tells of another fit where anything that decides the result has changed."""
        variant, seed = fit
        decides = [self.plan.params_of(variant, seed), self._data]
        mark = hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:MARK_DIGITS]
        return f"{variant.kind}-{variant.share:g}old-decay{variant.layer_decay:g}-seed{seed}-{mark}"

    @cached_property
    def _data(self) -> list[object]:
        """What decides a result beside the params of the fit. Own data are named by path alone, hence their hashes."""
        earlier = {path.as_posix(): sha256_file(path) for path in self._files()}
        present = {stage: self.project.results(stage) for stage in self.project.makers(self.plan.stage)}
        return [earlier, present, self.project.ingredients(self.plan.stage)]

    def _files(self) -> list[Path]:
        mix = self.plan.old / MIX_FOLDER
        base = [self.plan.base / name for name in (WEIGHTS_NAME, META_NAME)]
        return [*base, mix / MIX_PEOPLE, mix / MIX_RECIPE, self.plan.old / TEST_FILE]

    def _record(self, fit: Fit) -> Path:
        return self.report / "runs" / f"{self.name(fit)}.json"
