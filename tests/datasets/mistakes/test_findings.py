"""`check --mistakes`: the quality page ranks suspects of mistakes.json whose labels are still those judged."""

import json
from pathlib import Path

import numpy as np

from dataengine.coco_json import write_people
from dataengine.datasets.check import run
from dataengine.datasets.checks.params import ChecksParams
from dataengine.mistakes.suspects import Suspect, joints_judged, write_suspects

from ..checked_samples import a_set


def test_suspects_are_ranked_with_pictures_and_mark_their_people(tmp_path: Path) -> None:
    people, images = a_set(tmp_path / "set", list(range(6)))
    write_people(tmp_path / "set/people.json", people, images)

    def suspect(row: int, probability: float, kind: str = "arms") -> Suspect:
        judged = [] if kind == "missing" else joints_judged(people, row)
        box = [10.0, 20.0, 60.0, 80.0]
        return Suspect(kind, probability, f"{row}.jpg", str(row + 1), [], {"MoveNet": 4.0}, box, {}, judged)

    changed = suspect(4, 0.99)
    changed.judged[0] += 5
    listed = [suspect(1, 0.3), suspect(2, 0.8, "sides"), changed, suspect(3, 0.6, "missing")]
    write_suspects(tmp_path / "mistakes.json", listed, {})
    folder = tmp_path / "set"
    quality = run(
        ChecksParams(),
        annotations=[folder / "people.json"],
        images=[folder],
        out=tmp_path / "out",
        mistakes=tmp_path / "mistakes.json",
    )
    found = [f for f in json.loads((tmp_path / "out/quality.json").read_text())["findings"] if f["check"] == "mistakes"]
    assert {(f["file"], f["score"], f["table"]) for f in found} == {
        ("1.jpg", 0.3, "annotations"),
        ("2.jpg", 0.8, "annotations"),
        ("3.jpg", 0.6, "images"),
    }
    doubted = ["mistakes" in marks.split(",") for marks in quality.checked.people.extras["suspect"].tolist()]
    assert np.flatnonzero(doubted).tolist() == [1, 2]
    page = (tmp_path / "out/quality.html").read_text()
    assert page.index("of the whole body, probability 0.80") < page.index("arm are exchanged, probability 0.30")
    assert "somebody stands there without labels" in page
    assert quality.counts.kept == 12, "suspects stay in the set"
