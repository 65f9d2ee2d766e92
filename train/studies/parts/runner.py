"""The study of parts: each fit in this process, measured on the validation people, kept for the next call."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from dataengine.coco_json import read_project_people
from dataengine.errors import DataEngineError, InputError
from dataengine.evaluation.ap.protocol import COCO
from dataengine.files import atomic_path, read_json, sha256_file
from dataengine.nets.checkpoint import META_NAME
from dataengine.people import Images, People
from dataengine.studies.params_study import ParamsStudy
from dataengine.studies.settings import json_hash
from dataengine.studies.shared_pictures import picture_hashes, refuse_shared_pictures

from ...fit.data import files_of, labelled_people
from ...fit.learnt_from.reading import MIX_PEOPLE, MIX_RECIPE
from ...fit.networks import refuse_misfit
from ...fit.params import FitParams
from .measure import PartFigures, part_figures
from .page import page
from .plan import BASE_PART, PARTS, PartTrial

METRICS, MEASURED = "metrics.json", "val_oks_ap"


@dataclass(frozen=True, kw_only=True)
class PartStudy(ParamsStudy[PartTrial, PartFigures]):
    """Parts of recipes on one mix."""

    command = "compare-parts"
    unit = "fit"
    page_name = "parts"
    outcome_kind = PartFigures

    recipe: FitParams
    """What each part changes."""
    parts: Sequence[str]
    """Names in `PARTS`; the fit as it is is always one."""
    seeds: Sequence[int]
    mix: Path
    val: Path

    def prepare(self) -> None:
        """See that the sets are there and apart, and that every part makes a network, before anything is fitted."""
        for name in (MIX_PEOPLE, MIX_RECIPE):
            read_json(self.mix / name)
        sets = {"--mix": read_project_people(self.mix / MIX_PEOPLE)[1], "--val": self._validated[1]}
        refuse_shared_pictures(sets)
        for trial in {trial.part: trial for trial in self.trials()}.values():
            try:
                refuse_misfit(self._own(trial))
            except DataEngineError as error:
                fix = "" if trial.part == BASE_PART else "leave it out: name the others by --part"
                raise InputError(f"part {trial.part!r} cannot be fitted: {error}", fix=fix) from error

    def trials(self) -> Sequence[PartTrial]:
        """Seed by seed, so that a study that was stopped early compares like with like."""
        chosen = [name for name in PARTS if name in self.parts or name == BASE_PART]
        return [PartTrial(name, seed) for seed in self.seeds for name in chosen]

    def outcome(self, trial: PartTrial) -> PartFigures:
        """Fit, as far as an earlier call has not, and measure."""
        folder = self.report / "fits" / self.name(trial)
        if not (folder / "model" / META_NAME).is_file():
            self.fit(self._own(trial), folder)
        ap = float(read_json(folder / "report" / METRICS)[MEASURED])
        figures = part_figures(folder / "model", ap, *self._validated, self.protocol)
        return self.keep(trial, figures)

    def write(self, known: Mapping[PartTrial, PartFigures]) -> None:
        """The page."""
        people = self.recipe.epochs * (self.recipe.people_per_epoch or 0)
        images, start = len(self._validated[1]), self.recipe.start_from or "random weights"
        lines = page(self.line, known, planned=len(self.trials()), people=people, images=images, start=start)
        with atomic_path(self.report / f"{self.page_name}.md") as partial:
            partial.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def fit(self, params: FitParams, folder: Path) -> None:
        """What the stage fit-teacher does, into `folder`."""
        from ...fit.data import read_given
        from ...fit.loop import fit

        given = read_given(params, self.mix, self.val, protocol=self.protocol)
        out, report = folder / "model", folder / "report"
        fit(self.command, params, given.training, given.validation, out=out, report=report, files=given.files)

    def _own(self, trial: PartTrial) -> FitParams:
        return PARTS[trial.part](replace(self.recipe, seed=trial.seed))

    def name(self, trial: PartTrial) -> str:
        """Name of a fit: another one where anything that decides its result has changed."""
        decides = json_hash([asdict(self._own(trial)), self._decides])
        return f"{trial.part.replace(' ', '-')}-seed{trial.seed}-{decides}"

    @cached_property
    def _validated(self) -> tuple[People, Images]:
        return labelled_people(self.val)

    @cached_property
    def _decides(self) -> list[Any]:
        """What decides a result next to params: data, weights that fits start from, and sigmas other than COCO's."""
        from ...fit.origin import starter_hash
        from ...fit.start import files_read

        data: list[Any] = [sha256_file(path) for path in (*files_of(self.mix, self.recipe), self.val)]
        mixes = [self.mix, *([Path(self.recipe.replay.mix)] if self.recipe.replay.mix else [])]
        mixed = [read_project_people(mix / MIX_PEOPLE)[1] for mix in mixes]
        data += [picture_hashes(images) for images in (*mixed, self._validated[1])]
        weights = [*starter_hash(self.recipe).values(), *(sha256_file(path) for path in files_read(self.recipe))]
        own = self.protocol
        sigmas = [] if own.sigmas_name == COCO.sigmas_name else [own.sigmas_name, *map(str, own.sigmas)]
        return [*data, *weights, *sigmas]
