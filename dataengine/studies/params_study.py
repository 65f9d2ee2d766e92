"""What studies share that fit by a params.yaml, without DVC: how they score, and how outcomes are kept and found."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, cast

import yaml

from dataengine.evaluation.ap.protocol import OksProtocol
from dataengine.evaluation.own_sigmas import load_protocol
from dataengine.files import read_json, write_json
from dataengine.studies.study import OutcomeT, Study, TrialT
from dataengine.typed_record import RECORDS


@dataclass(frozen=True, kw_only=True)
class ParamsStudy(Study[TrialT, OutcomeT]):
    """Trials that are dataclasses, whose outcomes are dataclasses as well: a record of both lies in a file for each."""

    outcome_kind: ClassVar[type[Any]]
    """The dataclass of an outcome, which is read back as it."""

    params: Path
    """The params.yaml whose fits are run."""
    line: str
    """The command line that asks for this study."""

    @abstractmethod
    def name(self, trial: TrialT) -> str:
        """Name of a trial: another one where anything that decides its result has changed."""

    @cached_property
    def protocol(self) -> OksProtocol:
        """How AP is counted: by the sigmas of `params`."""
        return load_protocol(self.params)

    @cached_property
    def document(self) -> dict[str, Any]:
        """The sections of `params`."""
        return dict(yaml.safe_load(self.params.read_text(encoding="utf-8")))

    def record_of(self, trial: TrialT) -> Path:
        """The file of a trial's record."""
        return self.record_file(self.name(trial))

    def known(self, trial: TrialT) -> OutcomeT | None:
        """What an earlier call measured."""
        path = self.record_of(trial)
        if not path.exists():
            return None
        outcome: OutcomeT = RECORDS.record(self.outcome_kind, read_json(path)["outcome"], str(path))
        return outcome

    def keep(self, trial: TrialT, outcome: OutcomeT, **more: Any) -> OutcomeT:
        """Write the record of a trial, with `more` of it; returns the outcome."""
        asked, found = cast(Any, trial), cast(Any, outcome)  # dataclasses both
        write_json(self.record_of(trial), {**asdict(asked), **more, "outcome": asdict(found)})
        return outcome
