"""What a person reads before the work begins."""

import doctest
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from dataengine.active.forecast import before_labelling
from dataengine.active.forecast.learning_curve import forecast_ap
from dataengine.active.forecast.past_rounds import PastRounds, past_rounds
from dataengine.cli import app
from dataengine.registry.records import Entry, Registry
from dataengine.registry.registry_file import write_registry

from ..conftest import make_project
from ..selecting import OUT, select


def entry(labels: int | None, ap: float, *, test: str = "test", sigmas: str = "COCO") -> Entry:
    student = {} if labels is None else {"labels": {"images": labels, "people": 2 * labels}}
    return Entry(
        id=f"{labels}-{ap}",
        state="archived",
        promoted_at="2026-01-01T00:00:00+00:00",
        ap=ap,
        ap_low=ap - 0.1,
        ap_high=ap + 0.1,
        test_sha256=test,
        oks_sigmas=sigmas,
        files={},
        lineage={"student": student},
    )


def test_only_what_was_measured_alike_is_a_round() -> None:
    entries = (
        entry(100, 0.2, test="earlier"),
        entry(200, 0.3),
        entry(None, 0.32),  # fitted before lineages counted labels
        entry(400, 0.4, sigmas="own"),
        entry(800, 0.37),
    )
    assert past_rounds(Registry(entries=entries)) == PastRounds((200, 800), (0.3, 0.37))
    assert past_rounds(Registry()) == PastRounds((), ())


def test_the_example_shows_what_the_code_returns() -> None:
    assert doctest.testmod(before_labelling) == (0, 1)


def test_label_export_ends_with_what_the_picks_are_likely_to_buy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    select(make_project(tmp_path))
    sections = {
        "select": {"seconds_per_joint": 3.0},
        "curate": {},
        "registry": {"file": "registry.json", "store": "registry"},
    }
    Path("params.yaml").write_text(yaml.safe_dump(sections))
    work = f"{4 * 2 * 16 * 3 / 60:.0f} more minutes (about 4 images)"  # four pictures of two people of sixteen joints

    def last_line() -> str:
        command = ["label-export", "--selection", str(OUT), "--out", "tool/coco.json"]
        done = CliRunner().invoke(app, command, catch_exceptions=False)
        assert done.exit_code == 0
        return done.stderr.strip().splitlines()[-1]

    assert last_line() == (
        f"{work}: nobody can say yet what they buy; a forecast takes 2 rounds of different numbers of labels on one "
        "test set, and the registry has 0"
    )
    registry = Registry(entries=(entry(200, 0.3), entry(400, 0.34)))
    write_registry(Path("registry.json"), registry)
    after = forecast_ap([200, 400], [0.3, 0.34], 4)
    interval = f"80%: {after.low:.3f} to {after.high:.3f}"
    assert last_line() == f"{work}: AP 0.340 to {after.ap:.3f} ({interval}), by the 2 rounds of the registry"
