"""Sizes on the disk, and how a run of the map is timed; the rows on a cluster run with the benchmark."""

import json
from pathlib import Path

import pytest

from dataengine.bench.record import Figure, Missing
from dataengine.bench.scale import sizes, timed, trials
from dataengine.errors import EnvironmentFault
from dataengine.studies.interval_coverage import run_trials


def test_sizes_are_of_what_was_made(tmp_path: Path) -> None:
    for name, content in (("images/000000.png", 700), ("images/000001.png", 900), ("sidecars/000000.json", 100)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x" * content)
    labels = tmp_path / "people.json"
    labels.write_text(json.dumps({"annotations": [{}, {}]}))
    image, person = sizes(tmp_path, labels)
    assert isinstance(image, Figure) and image.ours == (700 + 900 + 100) / 2
    assert isinstance(person, Figure) and person.ours == labels.stat().st_size / 2
    assert all(isinstance(each, Missing) for each in sizes(tmp_path / "none", tmp_path / "none.json"))


def test_a_map_with_other_bits_is_refused() -> None:
    jobs = [job.__class__(**{**vars(job), "count": 1, "resamples": 100}) for job in trials(3)]
    expected = [run_trials(job).tobytes() for job in jobs]
    measured = timed(jobs, expected, workers=1, cluster=None)
    assert measured.start_s > 0 and measured.item_s > 0
    with pytest.raises(EnvironmentFault, match="other bits: got 1 processes"):
        timed(jobs, expected[::-1], workers=1, cluster=None)
