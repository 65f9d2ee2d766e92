"""Runs each fit that has no outcome yet, its teacher before it; measures and keeps it for the next call."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from dataengine import starter
from dataengine.coco_json import read_project_people
from dataengine.errors import DataEngineError, InputError
from dataengine.files import atomic_path, read_json, sha256_file, write_json
from dataengine.nets.checkpoint import META_NAME, WEIGHTS_NAME, ModelMeta
from dataengine.params import load_section
from dataengine.studies.network_figures import network_figures
from dataengine.studies.params_study import ParamsStudy
from dataengine.studies.settings import json_hash, with_settings
from dataengine.studies.shared_pictures import picture_hashes, refuse_shared_pictures
from dataengine.studies.spent_time import spent_time
from dataengine.typed_record import RECORDS

from ...fit.data import labelled_people
from ...fit.learnt_from.reading import MIX_PEOPLE, MIX_RECIPE
from ...fit.params import BASE
from ...unlabelled.student_params import FitStudentParams
from .measuring import NetworkCost, network_costs, refuse_ascent
from .page import PAGE_NAME, DistilOutcome, write_distillation_page
from .plan import SECTIONS, STAGE, DistilFit, DistilPlan


@dataclass(frozen=True, kw_only=True)
class DistilStudy(ParamsStudy[DistilFit, DistilOutcome]):
    """A chain of networks on one mix."""

    command = "compare-distilled"
    unit = "fit"
    page_name = PAGE_NAME
    outcome_kind = DistilOutcome

    plan: DistilPlan
    mix: Path
    val: Path
    test: Path | None
    runs: int
    """Least number of timed runs of each network."""

    def prepare(self) -> None:
        """Read what all fits read and make every network, so that what is wrong ends the study now; measure them."""
        _ = self._decides
        self._refuse_misfits()
        sets = {"--mix": read_project_people(self.mix / MIX_PEOPLE)[1], "--val": self._val[1]}
        refuse_shared_pictures(sets | ({"--test": self._tested[1]} if self._tested else {}))
        refuse_ascent(self.costs)

    def trials(self) -> Sequence[DistilFit]:
        """All fits of the plan."""
        return self.plan.fits()

    def name(self, trial: DistilFit) -> str:
        """Name of a fit: another one where anything that decides its result, or its teachers', has changed."""
        taught_by = self.name(trial.teacher) if trial.teacher else None
        mark = json_hash([self._decides, self.plan.fit_params(trial, taught_by)])
        return f"{'-by-'.join(trial.way)}-seed{trial.seed}-{mark}"

    def record_of(self, trial: DistilFit) -> Path:
        """The file of a fit's record, which has figures on `test` as well: one for each test set."""
        name = self.name(trial)
        return self.record_file(f"{name}-{self._test_mark}" if self.test else name)

    def outcome(self, trial: DistilFit) -> DistilOutcome:
        """Fit, as far as an earlier call has not, and measure."""
        folder = self._folder(trial)
        with spent_time(folder / "spent.json") as seconds:
            if not (folder / "network" / META_NAME).is_file():
                self._fit(trial)
        figures = read_json(folder / "report" / "metrics.json")
        outcome = DistilOutcome(
            ap=float(figures["val_oks_ap"]),
            pck_02=float(figures["val_pck_02"]),
            test_ap=self._test_ap(folder / "network"),
            seconds=round(seconds(), 1),
        )
        return self.keep(trial, outcome)

    def write(self, known: Mapping[DistilFit, DistilOutcome]) -> None:
        """The page and the plot."""
        sizes = {"train": len(read_project_people(self.mix / MIX_PEOPLE)[1]), "val": len(self._val[1])}
        write_distillation_page(self.report, self.plan, known, self.costs, sizes, self._crop_px, self.line)

    @cached_property
    def costs(self) -> dict[str, NetworkCost]:
        """What each network costs, measured once and kept."""
        metas = {label: self._meta(label) for label in self.plan.networks}
        mark = json_hash([[label, meta.to_json()] for label, meta in metas.items()] + [self.runs])
        path = self.report / f"networks-{mark}.json"
        if not path.exists():
            with tempfile.TemporaryDirectory() as scratch:
                found = network_costs(metas, Path(scratch), self.runs)
            write_json(path, {label: asdict(cost) for label, cost in found.items()})
        return {label: RECORDS.record(NetworkCost, cost, str(path)) for label, cost in read_json(path).items()}

    def _refuse_misfits(self) -> None:
        """Raise where a network cannot be made, or would not be understood by the others."""
        from ...fit.networks import refuse_misfit
        from ...fit.start import check_alike, model_meta, settled

        first: ModelMeta | None = None
        for label in self.plan.networks:
            try:
                with tempfile.TemporaryDirectory() as scratch:
                    # a folder stands for the teacher, which `distill` is checked with
                    laid = self.plan.fit_params(DistilFit((label,), self.plan.seeds[0]), scratch)
                    params, path = self._written(laid, Path(scratch) / "params.yaml")
                    params = settled(params, path, STAGE)
                refuse_misfit(params)
                meta = model_meta(params)
                first = first or meta
                check_alike(f"the network {next(iter(self.plan.networks))}", first, meta)
            except DataEngineError as error:
                raise InputError(f"{label} does not fit the chain: {error}") from error

    def _fit(self, fit: DistilFit) -> None:
        """What the stage fit-student does, without pseudo-labels."""
        from ...fit.data import read_given
        from ...fit.loop import fit as fit_network
        from ...fit.start import settled

        folder = self._folder(fit)
        params, path = self._section(fit, folder / "params.yaml")
        params = settled(params, path, STAGE)
        given = read_given(params, self.mix, self.val, protocol=self.protocol)
        fit_network(
            STAGE,
            params,
            given.training,
            given.validation,
            out=folder / "network",
            report=folder / "report",
            files=given.files,
            distill=params.distill,
        )

    def _section(self, fit: DistilFit, path: Path) -> tuple[FitStudentParams, Path]:
        """The params of a fit, and the file `path` that has been written with them."""
        teacher = str(self._folder(fit.teacher) / "network") if fit.teacher else None
        return self._written(self.plan.fit_params(fit, teacher), path)

    def _written(self, params: Mapping[str, str], path: Path) -> tuple[FitStudentParams, Path]:
        with atomic_path(path) as partial:
            laid = with_settings(self.document, SECTIONS, params)
            partial.write_text(yaml.safe_dump(laid, sort_keys=False), encoding="utf-8")
        return load_section(path, STAGE, FitStudentParams, base=BASE), path

    def _meta(self, label: str) -> ModelMeta:
        from ...fit.start import model_meta

        with tempfile.TemporaryDirectory() as scratch:
            alone = DistilFit((label,), self.plan.seeds[0])
            return model_meta(self._section(alone, Path(scratch) / "params.yaml")[0])

    def _test_ap(self, network: Path) -> float | None:
        return network_figures(network, *self._tested, self.protocol).ap if self._tested else None

    def _folder(self, fit: DistilFit) -> Path:
        return self.report / "fits" / self.name(fit)

    @cached_property
    def _val(self) -> tuple[Any, Any]:
        return labelled_people(self.val)

    @cached_property
    def _tested(self) -> tuple[Any, Any] | None:
        return labelled_people(self.test) if self.test else None

    @cached_property
    def _test_mark(self) -> str:
        """A short hash of the test people and their pictures."""
        return (
            json_hash([sha256_file(self.test), picture_hashes(self._tested[1])]) if self.test and self._tested else ""
        )

    @cached_property
    def _crop_px(self) -> tuple[int, int]:
        meta = self._meta(next(iter(self.plan.networks)))
        return meta.input_width_px, meta.input_height_px

    @cached_property
    def _decides(self) -> list[Any]:
        """What decides every result apart from the plan."""
        _ = self._val
        files = (self.mix / MIX_PEOPLE, self.mix / MIX_RECIPE, self.val, starter.FOLDER / WEIGHTS_NAME)
        for path in files[:2]:
            read_json(path)
        mixed = read_project_people(self.mix / MIX_PEOPLE)[1]
        pictures = [picture_hashes(images) for images in (mixed, self._val[1])]
        return [[sha256_file(path) for path in files], pictures, with_settings(self.document, SECTIONS, {})]
