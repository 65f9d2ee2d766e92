"""Runs what a plan lists on one set of labels: experiments of DVC, whose networks are fetched and scored."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from dataengine.coco_json import write_people
from dataengine.errors import InputError
from dataengine.files import atomic_path, fresh_folder, read_json, sha256_file, write_json
from dataengine.poses.training_poses import read_training_poses
from dataengine.studies.page import command_line
from dataengine.studies.settings import assignments, json_hash
from dataengine.studies.study import Study

from .paces import PROBED_PER_EPOCH, Paces
from .plan import RECIPES, STAGE, SYNTHETIC, RecipePlan, RecipeRun, run_name
from .report import RecipeOutcome, StudyFacts, write_recipe_report
from .score import HeldOut, Score, check_training, read_held_out, score_network

TRAIN_NAME = "train.json"
TEST_NAME = "test.json"  # the people that everything is measured on, for `dataengine score`


@dataclass(frozen=True, kw_only=True)
class RecipeStudy(Study[RecipeRun, RecipeOutcome]):
    """The plan on one set of labels, in the working folder's project."""

    command = "compare-recipes"
    unit = "run"
    page_name = "recipes"

    given: RecipePlan
    """The plan as requested; `plan` adapts it to the project."""
    annotations: Path
    images: Path
    test_images: int

    @cached_property
    def plan(self) -> RecipePlan:
        """`given` without a number of rendered images that is all of them. InputError where it is more."""
        rendered_images = int(self.project.params()["render"]["images"])
        if max(self.given.rendered, default=0) > rendered_images:
            fix = "set render.images in params.yaml and run `dvc repro render`"
            got = str(max(self.given.rendered))
            raise InputError("--rendered is too large", expected=f"{rendered_images} at most", got=got, fix=fix)
        fewer = tuple(count for count in self.given.rendered if count < rendered_images)
        return replace(self.given, rendered=fewer)

    @cached_property
    def source(self) -> Path:
        """A copy of the annotations named by their content: DVC looks at the name of a source, not into it."""
        copy = self.report.resolve() / "source" / f"{sha256_file(self.annotations)[:16]}.json"
        if not copy.exists():
            with atomic_path(copy) as partial:
                shutil.copyfile(self.annotations, partial)
        return copy

    @cached_property
    def held_out(self) -> HeldOut:
        """The test people; the first access runs the stages up to balance on the whole set."""
        params = self.plan.data_params()
        name = f"recipes-data-{json_hash([params, self._decides('balance')])}"
        folder = self.report / "data" / name
        if not folder.is_dir():
            revision = self._on_this_set(name, params, "balance")
            with fresh_folder(folder) as partial:
                for stage in ("ingest", "balance"):
                    self.project.fetch(revision, self.project.out(stage), partial / stage)
        poses = read_training_poses(folder / "balance")
        test_people = read_held_out(folder / "ingest", poses, self.test_images, self.protocol)
        most = max((*self.plan.labels, *self.plan.once))
        if len(test_people.training) < most:
            got = f"{len(test_people.training)} training images"
            raise InputError("there are too few labels", expected=str(most), got=got, fix="lower --labels or --once")
        write_people(self.report / TEST_NAME, test_people.people, test_people.images)
        return test_people

    def prepare(self) -> None:
        """Render once: an experiment cannot continue an unfinished rendering."""
        self.project.repro("render")

    def trials(self) -> list[RecipeRun]:
        """All runs of the plan."""
        return self.plan.runs()

    def name(self, run: RecipeRun) -> str:
        """Name of the run's experiment: another one where anything that decides the result has changed."""
        start = self.plan.start_of(run)
        start_name = self.name(start) if start else None
        return run_name(run, [self._params(run), start_name, self._decides(STAGE)])

    def known(self, trial: RecipeRun) -> RecipeOutcome | None:
        """What an earlier call measured on the same test images; None where it is still to be measured."""
        path = self.record_file(self.name(trial))
        if not path.exists():
            return None
        record = read_json(path)
        if record["test"] != self.held_out.id:
            return None
        return RecipeOutcome(Score(**record["score"]), record["fit_seconds"], record["training_images"])

    def outcome(self, trial: RecipeRun) -> RecipeOutcome:
        """Run the experiment where there is none yet, score its network, keep the figures."""
        held_out, name, start = self.held_out, self.name(trial), self.plan.start_of(trial)
        params = self._params(trial)
        if start is not None:
            params |= {f"{STAGE}.start_from": str(self._network(start)), f"{STAGE}.pretrained": "null"}
        revision = self._on_this_set(name, params, STAGE)
        with self.scratch(name) as fetched:
            result = self._scored(trial, revision, fetched)
        record = {"name": name, **asdict(trial), **asdict(result), "test": held_out.id, "params": params}
        write_json(self.record_file(name), record)
        return result

    def write(self, known: Mapping[RecipeRun, RecipeOutcome]) -> None:
        """The page and the plot."""
        held_out = self.held_out
        facts = StudyFacts(
            command=self._command_line(),
            people=self.plan.people,
            epochs=self.plan.epochs,
            patience=self.plan.patience,
            seconds=self.plan.seconds,
            people_in={run: self.plan.epochs_of(run) * self._people_per_epoch(run) for run in known},
            curricula=self.plan.curricula,
            rendered=int(self.project.params()["render"]["images"]),
            training_images=len(held_out.training),
            validation_images=held_out.validation_images,
            test_images=len(held_out.images),
            test_people=len(held_out.people),
            rare_people=int(held_out.rare.sum()),
            oks_sigmas=held_out.protocol.sigmas_name,
        )
        write_recipe_report(self.report, facts, self.trials(), known)

    def _scored(self, run: RecipeRun, revision: str, folder: Path) -> RecipeOutcome:
        """The outcome of an experiment, whose files are fetched into `folder`."""
        self.project.fetch(revision, self.project.out(STAGE), folder / "network")
        self.project.fetch(revision, f"{self.project.out('ingest')}/{TRAIN_NAME}", folder / TRAIN_NAME)
        self.project.fetch(revision, self.project.metrics_file(STAGE), folder / "metrics.json")
        training_images = check_training(folder / TRAIN_NAME, run.labels, self.held_out)
        metrics = read_json(folder / "metrics.json")
        rate = metrics.get("images_per_s", 0.0)
        seconds = metrics["epochs"] * self._people_per_epoch(run) / rate if rate else None
        return RecipeOutcome(score_network(folder / "network", self.held_out), seconds, training_images)

    def _params(self, run: RecipeRun) -> dict[str, str]:
        return self.plan.params_of(run, self._people_per_epoch(run))

    def _people_per_epoch(self, run: RecipeRun) -> int:
        """The plan's, or as many as the recipe sees in its share of the plan's time."""
        return self.plan.people_at(self.paces.of(run)) if self.plan.seconds else self.plan.people_per_epoch

    @cached_property
    def paces(self) -> Paces:
        """How fast each recipe is fitted here, measured by a short fit the first time that it is asked for."""
        return Paces(self.report / "paces.json", self._measured_pace, self._pace_name)

    def _pace_params(self, recipe: str) -> tuple[RecipeRun, dict[str, str]]:
        run = RecipeRun(recipe, 0 if recipe == SYNTHETIC else max((*self.plan.labels, *self.plan.once)), 0)
        return run, self.plan.params_of(run, PROBED_PER_EPOCH)

    def _pace_name(self, recipe: str) -> str:
        run, params = self._pace_params(recipe)
        return "pace-" + run_name(run, [params, self._decides(STAGE)])

    def _measured_pace(self, recipe: str) -> float:
        _, params = self._pace_params(recipe)
        revision = self._on_this_set(self._pace_name(recipe), params, STAGE)
        with self.scratch(self._pace_name(recipe)) as fetched:
            self.project.fetch(revision, self.project.metrics_file(STAGE), fetched / "metrics.json")
            return float(read_json(fetched / "metrics.json")["images_per_s"])

    def _network(self, run: RecipeRun) -> Path:
        """The checkpoint folder of a run that others start from."""
        folder = self.report.resolve() / "networks" / self.name(run)
        if not folder.is_dir():
            revision = self._on_this_set(self.name(run), self._params(run), STAGE)
            with fresh_folder(folder) as partial:
                self.project.fetch(revision, self.project.out(STAGE), partial / "network")
        return folder / "network"

    def _on_this_set(self, name: str, params: Mapping[str, str], stage: str) -> str:
        """Revision of the experiment `name`, which is run on these labels where there is none."""
        source = {"annotations": str(self.source), "images": str(self.images.resolve())}
        quoted = ",".join(f"{key}:{json.dumps(value, ensure_ascii=False)}" for key, value in source.items())
        return self.experiment(name, {"ingest.sources": f"[{{{quoted}}}]", **params}, stage)

    def _decides(self, stage: str) -> list[Any]:
        """What decides a result apart from the params of the run."""
        return [self.source.stem, str(self.images.resolve()), self._ingredients[stage]]

    @cached_property
    def _ingredients(self) -> dict[str, Any]:
        return {stage: self.project.ingredients(stage) for stage in ("balance", STAGE)}

    def _command_line(self) -> str:
        plan = self.given
        return command_line(
            self.command,
            annotations=self.annotations,
            images=self.images,
            recipe=plan.recipes if len(plan.recipes) < len(RECIPES) else [],
            curriculum=[f"{name}={phases}" for name, phases in plan.curricula.items()],
            labels=plan.labels,
            once=plan.once,
            seed=plan.seeds,
            rendered=plan.rendered,
            people=[] if plan.seconds else plan.people,
            seconds=plan.seconds or [],
            epochs=plan.epochs,
            patience=plan.patience or [],
            test_images=self.test_images,
            set=assignments(plan.settings),
        )
