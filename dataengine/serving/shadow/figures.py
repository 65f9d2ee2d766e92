"""How often champion and candidate agree, counted over everybody that both answered, kept or not."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scipy.stats import binomtest

from dataengine.errors import InputError
from dataengine.evaluation.analysis.interval import Interval
from dataengine.files import read_json, write_json
from dataengine.typed_record import RECORDS

from .folder import FIGURES


@dataclass(frozen=True)
class AgreementCount:
    """People, or joints of one name, that both models answered."""

    compared: int = 0
    agreed: int = 0

    def plus(self, compared: int, agreed: int) -> "AgreementCount":
        """The count with these people added."""
        return AgreementCount(self.compared + compared, self.agreed + agreed)

    def rate(self, level: float) -> Interval | None:
        """The share that agrees, with Wilson's interval (Wilson 1927); None where nobody was compared.

        It takes people as independent. Frames of one film are not: the true interval is wider.
        """
        if not self.compared:
            return None
        sure = binomtest(self.agreed, self.compared).proportion_ci(confidence_level=level, method="wilson")
        return Interval(self.agreed / self.compared, float(sure.low), float(sure.high))


@dataclass(frozen=True)
class ShadowAgreement:
    """What the shadow of one candidate showed, next to one champion."""

    champion: str
    """Ids of the models, as in verdict.json."""
    candidate: str
    differ_below: float
    """Two answers agree from this OKS on; so does a joint from this similarity on."""
    people: AgreementCount = AgreementCount()
    joints: Mapping[str, AgreementCount] = field(default_factory=dict)
    outcomes: Mapping[str, int] = field(default_factory=dict)
    """What became of the people who were answered by the champion, by outcome: see `asking.Shadow`."""
    since: str = ""
    until: str = ""


class AgreementBook:
    """The figures of one pair of models, in the folder's ``figures.json``; those of other pairs stay."""

    def __init__(self, folder: Path, champion: str, candidate: str, differ_below: float) -> None:
        known = read_agreements(folder) if (folder / FIGURES).is_file() else []
        fresh = ShadowAgreement(champion, candidate, differ_below)
        same = [each for each in known if _key(each) == _key(fresh)]
        self._path, self._others = folder / FIGURES, [each for each in known if _key(each) != _key(fresh)]
        self._now = same[0] if same else replace(fresh, since=_now())
        self._changed = False

    @property
    def figures(self) -> ShadowAgreement:
        """The figures up to now."""
        return self._now

    def count(self, outcome: str, people: int = 1) -> None:
        """Count what became of people."""
        outcomes = dict(self._now.outcomes)
        outcomes[outcome] = outcomes.get(outcome, 0) + people
        self._now, self._changed = replace(self._now, outcomes=outcomes), True

    def compared(self, agrees: bool, joint_agrees: Mapping[str, bool]) -> None:
        """Count a person that both models answered."""
        joints = dict(self._now.joints)
        for name, same in joint_agrees.items():
            joints[name] = joints.get(name, AgreementCount()).plus(1, int(same))
        people = self._now.people.plus(1, int(agrees))
        self._now, self._changed = replace(self._now, people=people, joints=joints), True

    def record(self) -> dict[str, Any] | None:
        """What `figures.json` is to hold; None where nothing was counted since the last time."""
        if not self._changed:
            return None
        self._now, self._changed = replace(self._now, until=_now()), False
        return {"pairs": [asdict(each) for each in (*self._others, self._now)]}

    def write(self, record: dict[str, Any] | None) -> None:
        """Bring the file up to date."""
        if record is not None:
            write_json(self._path, record)


def read_agreements(folder: Path) -> list[ShadowAgreement]:
    """The figures of every pair of models. Raises `InputError` where there are none, or others."""
    path = folder / FIGURES
    record = read_json(path)
    if not isinstance(record, dict) or set(record) != {"pairs"} or not isinstance(record["pairs"], list):
        raise InputError(f"{path} holds no figures of a shadow", expected="what `dataengine serve --shadow` wrote")
    return [RECORDS.record(ShadowAgreement, each, str(path)) for each in record["pairs"]]


def read_agreement(folder: Path, champion: str, candidate: str) -> ShadowAgreement | None:
    """The latest figures of this pair of models; None where the candidate was never that champion's shadow."""
    same = [each for each in read_agreements(folder) if (each.champion, each.candidate) == (champion, candidate)]
    return max(same, key=lambda each: each.until, default=None)


def _key(figures: ShadowAgreement) -> tuple[str, str, float]:
    return figures.champion, figures.candidate, figures.differ_below


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
