"""Runs the fits that a plan of rounds lists as DVC experiments, reads their metrics back and keeps the figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

from dataengine.coco_json import read_project_people
from dataengine.errors import InputError
from dataengine.files import read_json, sha256_file, write_json
from dataengine.nets.checkpoint import META_NAME, WEIGHTS_NAME
from dataengine.studies.settings import json_hash
from dataengine.studies.study import Study

from ...fit.forgetting import average_precision
from ...fit.learnt_from.reading import MIX_PEOPLE, MIX_RECIPE
from ...fit.origin import read_checkpoint
from .plan import MIX_FOLDER, TEST_FILE, Fit, RoundPlan
from .report import Base, RoundOutcome, write_round_report

VAL_FILE = "val.json"


@dataclass(frozen=True, kw_only=True)
class RoundStudy(Study[Fit, RoundOutcome]):
    """A plan of rounds in the working folder's project."""

    command = "compare-rounds"
    unit = "fit"
    page_name = "rounds"

    plan: RoundPlan

    def prepare(self) -> None:
        """Bring the data that the stage reads up to date, once, for all fits.

        Raises:
            InputError: the earlier round lacks a file.
        """
        for path in self._files():
            if not path.is_file():
                raise InputError(f"{path} is missing", fix="docs/training.md says how to keep a round's data")
        for stage in self.project.makers(self.plan.stage):
            self.project.repro(stage)

    def trials(self) -> list[Fit]:
        """All fits of the plan."""
        return self.plan.fits()

    @cached_property
    def base(self) -> Base:
        """Figures of the earlier network on both sets of people."""
        net, meta = read_checkpoint(self.plan.base)
        val, test = Path(self.project.out("ingest")) / VAL_FILE, self.plan.old / TEST_FILE
        (new_people, new_images), (old_people, old_images) = (read_project_people(path) for path in (val, test))
        return Base(
            new_ap=average_precision(net, meta, new_people, new_images, self.protocol),
            old_ap=average_precision(net, meta, old_people, old_images, self.protocol),
            new_people=len(new_people),
            old_people=len(old_people),
            oks_sigmas=self.protocol.sigmas_name,
        )

    def known(self, trial: Fit) -> RoundOutcome | None:
        """The outcome that an earlier call kept, if any."""
        path = self.record_file(self.name(trial))
        return RoundOutcome(**read_json(path)["outcome"]) if path.exists() else None

    def outcome(self, trial: Fit) -> RoundOutcome:
        """Run the experiment if there is none yet, and keep its figures."""
        name, params = self.name(trial), self.plan.params_of(*trial)
        # alone: DVC does not know that the stage reads the earlier round, and would reuse an older result
        revision = self.experiment(name, params, self.plan.stage, copied=(self.plan.base, self.plan.old), alone=True)
        with self.scratch(name) as fetched:
            file = fetched / "metrics.json"
            self.project.fetch(revision, self.project.metrics_file(self.plan.stage), file)
            metrics = read_json(file)
        variant, _ = trial
        rate = metrics["images_per_s"]
        seconds = self.plan.seen(variant) / rate if rate else 0.0
        outcome = RoundOutcome(metrics["val_oks_ap"], metrics["old_test_ap_after"], seconds)
        write_json(self.record_file(name), {"name": name, "params": params, "outcome": asdict(outcome)})
        return outcome

    def write(self, known: Mapping[Fit, RoundOutcome]) -> None:
        """Write the page and the plot."""
        write_round_report(self.report, self.plan, self.base, known)

    def name(self, fit: Fit) -> str:
        """Name of the fit's experiment: a new one whenever something that decides the result has changed."""
        variant, seed = fit
        mark = json_hash([self.plan.params_of(variant, seed), self._data])
        return f"{variant.kind}-{variant.share:g}old-decay{variant.layer_decay:g}-seed{seed}-{mark}"

    @cached_property
    def _data(self) -> list[object]:
        """What decides a result besides the params of the fit; those only name paths, so these are hashes."""
        earlier = {path.as_posix(): sha256_file(path) for path in self._files()}
        present = {stage: self.project.results(stage) for stage in self.project.makers(self.plan.stage)}
        return [earlier, present, self.project.ingredients(self.plan.stage)]

    def _files(self) -> list[Path]:
        mix = self.plan.old / MIX_FOLDER
        base = [self.plan.base / name for name in (WEIGHTS_NAME, META_NAME)]
        return [*base, mix / MIX_PEOPLE, mix / MIX_RECIPE, self.plan.old / TEST_FILE]
