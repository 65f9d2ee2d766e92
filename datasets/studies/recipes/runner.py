"""Runs what a plan lists on one set of labels: experiments of DVC, their networks fetched and scored, figures kept."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from dataengine.errors import InputError
from dataengine.files import atomic_path, fresh_folder, read_json, sha256_file, write_json
from dataengine.poses.clusters import read_pose_clusters
from dataengine.studies.dvc_project import DvcProject

from ...long_tail.balance_file import CLUSTERS_NAME
from .plan import RECIPES, STAGE, Plan, Run, mark, run_name
from .report import Facts, Outcome, write_report
from .score import HeldOut, Score, check_training, read_held_out, score

TRAIN_NAME = "train.json"


@dataclass(frozen=True)
class Runner:
    """The plan on one set of labels, in this project."""

    given: Plan
    annotations: Path
    images: Path
    test_images: int
    report: Path

    @cached_property
    def project(self) -> DvcProject:
        """Of the working folder."""
        return DvcProject(Path.cwd(), self.report / "study.log")

    @cached_property
    def plan(self) -> Plan:
        """Without a number of rendered images that is all there are. InputError where it is more."""
        there_are = int(self.project.params()["render"]["images"])
        if max(self.given.rendered, default=0) > there_are:
            mend = "set render.images in params.yaml and run `dvc repro render`"
            got = str(max(self.given.rendered))
            raise InputError("--rendered is too large", expected=f"{there_are} at most", got=got, mend=mend)
        fewer = tuple(count for count in self.given.rendered if count < there_are)
        return replace(self.given, rendered=fewer)

    @cached_property
    def source(self) -> Path:
        """A copy of the annotations named by their content: DVC looks at the name of a source, not into it."""
        copy = self.report / "source" / f"{sha256_file(self.annotations)[:16]}.json"
        if not copy.exists():
            with atomic_path(copy) as partial:
                shutil.copyfile(self.annotations, partial)
        return copy

    @cached_property
    def held_out(self) -> HeldOut:
        """The test people; the first access runs the stages up to balance on the whole set."""
        params = self.plan.data_params()
        name = f"recipes-data-{mark([params, self._decides('balance')])}"
        folder = self.report / "data" / name
        if not folder.is_dir():
            revision = self._experiment(name, params, "balance")
            with fresh_folder(folder) as partial:
                for stage in ("ingest", "balance"):
                    self.project.fetch(revision, self.project.out(stage), partial / stage)
        clusters = read_pose_clusters(folder / "balance" / CLUSTERS_NAME)
        found = read_held_out(folder / "ingest", clusters, self.test_images)
        most = max((*self.plan.labels, *self.plan.once))
        if len(found.training) < most:
            got = f"{len(found.training)} training images"
            raise InputError("there are too few labels", expected=str(most), got=got, mend="lower --labels or --once")
        return found

    def name(self, run: Run) -> str:
        """Of its experiment: it tells of another fit where anything that decides the result has changed."""
        start = self.plan.start_of(run)
        start_name = self.name(start) if start else None
        return run_name(run, [self.plan.params_of(run), start_name, self._decides(STAGE)])

    def known(self, run: Run) -> Outcome | None:
        """What an earlier call found on the same test images; None where it has to be found."""
        path = self._record(run)
        if not path.exists():
            return None
        record = read_json(path)
        if record["test"] != self.held_out.id:
            return None
        return Outcome(Score(**record["score"]), record["fit_seconds"], record["training_images"])

    def outcome(self, run: Run) -> Outcome:
        """Run the experiment where there is none yet, score its network, keep the figures."""
        held_out, name, start = self.held_out, self.name(run), self.plan.start_of(run)
        params = self.plan.params_of(run)
        if start is not None:
            params |= {f"{STAGE}.start_from": str(self._network(start)), f"{STAGE}.pretrained": "null"}
        revision = self._experiment(name, params, STAGE)
        with tempfile.TemporaryDirectory(dir=self.report) as temporary:
            folder = Path(temporary)
            self.project.fetch(revision, self.project.out(STAGE), folder / "network")
            self.project.fetch(revision, f"{self.project.out('ingest')}/{TRAIN_NAME}", folder / TRAIN_NAME)
            self.project.fetch(revision, self.project.metrics_file(STAGE), folder / "metrics.json")
            used = check_training(folder / TRAIN_NAME, run.labels, held_out)
            rate = read_json(folder / "metrics.json").get("images_per_s", 0.0)
            found = Outcome(score(folder / "network", held_out), self._seen(run) / rate if rate else None, used)
        record = {"name": name, **asdict(run), **asdict(found), "test": held_out.id, "params": params}
        write_json(self._record(run), record)
        return found

    def write(self, runs: Sequence[Run], known: dict[Run, Outcome]) -> None:
        """The page and the plot."""
        held_out = self.held_out
        facts = Facts(
            command=self._command(),
            people=self.plan.people,
            epochs=self.plan.epochs,
            rendered=int(self.project.params()["render"]["images"]),
            training_images=len(held_out.training),
            validation_images=held_out.validation_images,
            test_images=len(held_out.images),
            test_people=len(held_out.people),
            rare_people=int(held_out.rare.sum()),
        )
        write_report(self.report, facts, runs, known)

    def _network(self, run: Run) -> Path:
        """The checkpoint folder of a run that others go on from."""
        folder = self.report / "networks" / self.name(run)
        if not folder.is_dir():
            revision = self._experiment(self.name(run), self.plan.params_of(run), STAGE)
            with fresh_folder(folder) as partial:
                self.project.fetch(revision, self.project.out(STAGE), partial / "network")
        return folder / "network"

    def _experiment(self, name: str, params: dict[str, str], stage: str) -> str:
        """Revision of the experiment of that name, which is run where there is none."""
        found = self.project.experiments()
        if name not in found:
            source = {"annotations": str(self.source), "images": str(self.images.resolve())}
            quoted = ",".join(f"{key}:{json.dumps(value, ensure_ascii=False)}" for key, value in source.items())
            told = [f"ingest.sources=[{{{quoted}}}]", *(f"{key}={value}" for key, value in params.items())]
            self.project.run_experiment(name, told, stage)
            found = self.project.experiments()
        return found[name]

    def _decides(self, stage: str) -> list[Any]:
        """What decides a result beside the params of the run."""
        return [self.source.stem, str(self.images.resolve()), self._ingredients[stage]]

    @cached_property
    def _ingredients(self) -> dict[str, Any]:
        return {stage: self.project.ingredients(stage) for stage in ("balance", STAGE)}

    def _record(self, run: Run) -> Path:
        return self.report / "runs" / f"{self.name(run)}.json"

    def _seen(self, run: Run) -> int:
        params = self.plan.params_of(run)
        return int(params[f"{STAGE}.epochs"]) * int(params[f"{STAGE}.people_per_epoch"])

    def _command(self) -> str:
        plan = self.given
        words = ["dataengine compare-recipes", f"--annotations {self.annotations}", f"--images {self.images}"]
        words += [f"--recipe {name}" for name in plan.recipes] if len(plan.recipes) < len(RECIPES) else []
        words += [f"--labels {count}" for count in plan.labels] + [f"--once {count}" for count in plan.once]
        words += [f"--seed {seed}" for seed in plan.seeds] + [f"--rendered {count}" for count in plan.rendered]
        words += [f"--people {plan.people}", f"--epochs {plan.epochs}", f"--test-images {self.test_images}"]
        words += [f"--set {key}={value}" for key, value in plan.settings.items()]
        return " ".join([*words, "--report reports/compare-recipes"])
