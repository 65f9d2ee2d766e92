"""A set checked and split in one call, as `ingest` does with a user's sources."""

from pathlib import Path
from typing import Any

from dataengine.datasets.checks.checking import check_set
from dataengine.datasets.checks.params import ChecksParams
from dataengine.datasets.quality.intake import Intake, split_by_group
from dataengine.datasets.splits.assign import SplitParams
from dataengine.people import Images, People


def check_and_split(
    people: People, images: Images, checks: ChecksParams, split: SplitParams, *, report: Path, **facts: Any
) -> Intake:
    """`facts` as `check_set` takes them."""
    return split_by_group(check_set(people, images, checks, **facts), checks, split, report=report)
