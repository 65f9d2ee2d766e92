"""The command, as a user types it."""

import json
from pathlib import Path

import numpy as np
import pytest

from dataengine.cli import main
from dataengine.coco_json import read_people, write_people
from dataengine.keypoints import COCO_KEYPOINTS, COCO_SIGMAS
from dataengine.person_scale import person_area

from ..helpers.drawn_people import draw_standing_people


@pytest.fixture
def twice(tmp_path: Path) -> Path:
    """Twelve people labelled by anna.json, and by ben.json 1 px to the right."""
    people, images = draw_standing_people(tmp_path / "images", 12, seed=1)
    write_people(tmp_path / "images/anna.json", people, images)
    write_people(
        tmp_path / "images/ben.json",
        people.replace(keypoints_px=people.keypoints_px + np.array([1, 0], dtype=np.float32)),
        images,
    )
    return tmp_path


def arguments(folder: Path, first: str = "anna.json", second: str = "ben.json") -> list[str]:
    images = folder / "images"
    files = ["--first", str(images / first), "--second", str(images / second), "--images", str(images)]
    return ["agreement", *files, "--report", str(folder / "report")]


def test_page_plot_and_sigmas_are_written(twice: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(arguments(twice))
    printed = capsys.readouterr()
    assert printed.out.startswith("12 people labelled twice, 0 with left and right exchanged")
    assert "only 12 people were labelled twice" in printed.err
    record = json.loads((twice / "report/sigmas.json").read_text())
    assert (record["people"], record["pictures"]) == (12, 12)
    people, _ = read_people(twice / "images/anna.json")
    sigma = np.sqrt(np.median(1 / person_area(people)) / (2 * np.log(2)))  # every joint is 1 px off
    assert record["joints"]["nose"]["sigma"] == pytest.approx(sigma, rel=0.01)
    assert list(record["joints"]) == list(COCO_KEYPOINTS)
    page = (twice / "report/agreement.md").read_text()
    assert "| nose | 12 | " in page and "nan" not in page
    assert (twice / "report/agreement.png").read_bytes().startswith(b"\x89PNG")


def test_joints_that_were_not_labelled_twice_keep_cocos_sigma(twice: Path) -> None:
    path = twice / "images/ben.json"
    people, images = read_people(path)
    flags = people.visibility.copy()
    flags[:5, 3] = 0
    write_people(path, people.replace(visibility=flags), images)
    with pytest.raises(SystemExit, match="0"):
        main(arguments(twice))
    joint = json.loads((twice / "report/sigmas.json").read_text())["joints"]["left_ear"]
    assert joint == {"sigma": COCO_SIGMAS[3], "measured": None}
    assert "| left_ear | 7 | - |" in (twice / "report/agreement.md").read_text()


def test_sets_with_nothing_in_common_are_refused(twice: Path, capsys: pytest.CaptureFixture[str]) -> None:
    people, images = draw_standing_people(twice / "images/others", 3, seed=9)
    write_people(twice / "images/others.json", people, images)
    with pytest.raises(SystemExit, match="2"):
        main(arguments(twice, second="others.json"))
    assert "no picture in common" in capsys.readouterr().err
    assert not (twice / "report").exists()
