"""Plays a plan through: chooses labels, fits, measures on the test people, and keeps every round for the next call."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any

from dataengine import starter
from dataengine.files import read_json, sha256_file, write_json
from dataengine.nets.checkpoint import META_NAME, WEIGHTS_NAME
from dataengine.studies.network_figures import network_figures
from dataengine.studies.settings import with_settings
from dataengine.studies.spent_time import spent_time

from ..query.select_params import SelectParams
from .choosing import choose
from .fitting import REPORT, SECTIONS, fit
from .outcome import PlayedRound, PoolFacts
from .plan import STAGE, Round, StudyPlan
from .pool_study import PoolStudy
from .report import write_study_report
from .sets import LabelledImages

STARTER = "starter"  # what start_from says for the weights that ship with the package
NETWORKS, FITS, PICKS = "networks", "fits", "picks"


@dataclass(frozen=True, kw_only=True)
class SelectionStudy(PoolStudy[Round, PlayedRound]):
    """A plan on one labelled pool."""

    command = "study"
    outcome_kind = PlayedRound
    page_name = "study"

    plan: StudyPlan
    select: SelectParams
    stop_gain: float
    """AP below which another round is not worth its labels."""

    def outcome(self, trial: Round) -> PlayedRound:
        """Choose, fit and measure, as far as an earlier call has not."""
        name = self.name(trial)
        keys, choose_s = self._labelled(trial)
        labelled = self.sets.pool.of(keys)
        network, folder = self._network(trial), self.report / FITS / name
        with spent_time(folder / "seconds.json") as fit_s:
            if not (network / META_NAME).is_file():
                self._fit(trial, folder, network, labelled)
        return self.keep(trial, self._measured(network, folder, labelled, choose_s, fit_s()), images=keys)

    def side_by_side(self, missing: Sequence[Round]) -> list[list[Round]]:
        """All rounds of one number: each waits for the network of the round before alone."""
        return [list(part) for _, part in groupby(sorted(missing, key=_number), key=_number)]

    def write(self, known: Mapping[Round, PlayedRound]) -> None:
        """The page and the plot."""
        sets = self.sets
        facts = PoolFacts(
            command=self.line,
            pool_images=len(sets.pool.images),
            val_images=len(sets.val.images),
            test_images=len(sets.test.images),
            test_people=len(sets.test.people),
            oks_sigmas=self.protocol.sigmas_name,
            stop_gain=self.stop_gain,
        )
        write_study_report(self.report, facts, self.plan, known)

    def _labelled(self, trial: Round) -> tuple[list[str], float]:
        """Keys of the images with labels in a round, and the seconds that choosing them took."""
        order = self.sets.order(trial.seed)
        if not trial.number:
            return order[: self.plan.start], 0.0
        earlier = [str(key) for key in read_json(self.record_of(trial.before))["images"]]
        path = self.report / PICKS / f"{self.name(trial)}.json"
        if not path.exists():
            began = time.monotonic()
            known = set(earlier)
            picks = choose(
                trial.rule,
                self._network(trial.before),
                candidates=self.sets.pool.of([key for key in order if key not in known][: self.plan.candidates]),
                labelled=self.sets.pool.of(earlier),
                val=self.sets.val,
                n=self.plan.step,
                seed=1000 * trial.seed + trial.number,
                params=self.select,
                protocol=self.protocol,
            )
            write_json(path, {"picks": picks, "seconds": time.monotonic() - began})
        chosen = read_json(path)
        return earlier + [str(key) for key in chosen["picks"]], float(chosen["seconds"])

    def _network(self, trial: Round) -> Path:
        return self.report / NETWORKS / self.name(trial)

    def _fit(self, trial: Round, folder: Path, network: Path, labelled: LabelledImages) -> None:
        settings = self.plan.fit_params(trial)
        if self.plan.warm and trial.number:
            settings |= {f"{STAGE}.start_from": self._network(trial.before).as_posix(), f"{STAGE}.pretrained": "null"}
        fit(
            folder,
            network,
            labelled=labelled,
            val=self.sets.val,
            params=with_settings(self.document, SECTIONS, settings),
            seed=trial.seed,
            log=self.report / "study.log" if self.cluster is None else folder / "fit.log",
        )

    def _measured(
        self, network: Path, folder: Path, labelled: LabelledImages, choose_s: float, fit_s: float
    ) -> PlayedRound:
        figures = network_figures(network, self.sets.test.people, self.sets.test.images, self.protocol)
        return PlayedRound(
            images=len(set(labelled.keys.tolist())),
            people=len(labelled.people),
            ap=figures.ap,
            ap50=figures.ap50,
            pck_02=figures.pck_02,
            val_ap=float(read_json(folder / REPORT / "metrics.json")["val_oks_ap"]),
            choose_s=round(choose_s, 1),
            fit_s=round(fit_s, 1),
        )

    @cached_property
    def _decides(self) -> list[Any]:
        """What decides a result apart from the plan."""
        sets = {name: getattr(self.sets, name).sha256 for name in ("pool", "val", "test")}
        fits = with_settings(self.document, SECTIONS, {})
        sections = {name: fits.get(name) for name in ("fit", STAGE, "oks")}
        select = {name: value for name, value in asdict(self.select).items() if name in _OF_SELECT}
        return [sets, sections, select, sha256_file(starter.FOLDER / WEIGHTS_NAME), *self._origin()]

    def _origin(self) -> list[Any]:
        """What stands behind the name of a network of one's own that fits begin with."""
        laid = with_settings(self.document, SECTIONS, self.plan.settings)
        begin = {**laid.get("fit", {}), **laid.get(STAGE, {})}.get("start_from")
        if begin in (None, STARTER):
            return []
        weights = Path(str(begin)) / WEIGHTS_NAME
        return [sha256_file(weights) if weights.is_file() else laid.get("compare")]


_OF_SELECT = ("appearance_weight", "film_excess", "min_gap_frames", "weights")


def _number(trial: Round) -> int:
    return trial.number
