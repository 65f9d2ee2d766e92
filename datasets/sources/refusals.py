"""Why `ingest` stops: too many bad records or damaged pictures, nobody to learn from, a split without anybody."""

from collections.abc import Sequence
from pathlib import Path

from dataengine.errors import InputError
from dataengine.formats.reading.content import ReaderNotes

from ..quality.intake import Intake
from .user_sources import UserSource

STILL_SHARE = 0.3  # of the pictures: sets of single photographs lose a few per cent to near duplicates across splits


def refuse_too_many(sources: Sequence[UserSource], max_bad_share: float, report: Path) -> None:
    """Bad records: each source by itself, so that a large good one does not hide a small broken one."""
    for source in sources:
        bad, records = len(source.content.bad), source.content.judged
        if bad > max_bad_share * records:
            raise InputError(
                f"source {source.name!r}: {bad} of {records} records are bad",
                expected=f"at most {max_bad_share:.1%}",
                got=f"{bad / records:.1%}",
                fix=f"repair those in {report / 'quarantine.json'}, or raise ingest.max_bad_share",
            )


def refuse_nobody(sources: Sequence[UserSource]) -> None:
    """Sources without a single person to learn from."""
    if not any(len(source.content.people) for source in sources):
        notes = ReaderNotes.added_up(source.content.notes for source in sources)
        got = "; ".join(notes.lines()) or "no annotations"
        raise InputError("nobody can be learnt from", expected="a person with a labelled joint", got=got)


def refuse_damaged(intake: Intake, max_bad_share: float, report: Path) -> None:
    """Damaged pictures: decoded only once all sources are together, so those that fail are counted over all."""
    damaged = sum(finding.check == "picture" for finding in intake.quality.findings)
    records = intake.quality.counts.judged
    if damaged > max_bad_share * records:
        raise InputError(
            f"{damaged} of {records} records are damaged pictures, or people on them",
            expected=f"at most {max_bad_share:.1%}",
            got=f"{damaged / records:.1%}",
            fix=f"repair those in {report / 'quarantine.json'}, or raise ingest.max_bad_share",
        )


def empty_split(name: str, intake: Intake) -> InputError:
    """The fault of a split without anybody, and what to set where frames of a still camera are the cause."""
    aside = sum(finding.check == "leak" and finding.table == "images" for finding in intake.quality.findings)
    if aside <= STILL_SHARE * len(intake.images):
        return InputError(f"split {name} is empty", expected="people in every split", fix="change ingest.split")
    return InputError(
        f"split {name} is empty",
        expected="people in every split",
        got=f"{aside} of {len(intake.images)} pictures that repeat one in a more protected split, as those of a still "
        "camera do",
        fix="for frames of recordings set ingest.split.by: time, which cuts each into blocks of time",
    )
