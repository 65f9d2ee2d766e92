"""The command, as a user types it."""

import shlex
from pathlib import Path

import numpy as np
import pytest

from dataengine.cli import main
from dataengine.coco_json import read_people, write_people
from dataengine.evaluation.own_sigmas import OwnSigmas, read_sigmas
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
    return ["agreement", *files, "--report", str(folder / "report"), "--out", str(folder / "sigmas")]


def kept(folder: Path) -> OwnSigmas:
    (path,) = (folder / "sigmas").iterdir()
    return read_sigmas(path)


def test_page_plot_and_sigmas_are_written(twice: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(arguments(twice))
    printed = capsys.readouterr()
    assert printed.out.startswith("12 people labelled twice, 0 with left and right exchanged")
    assert "only 12 people were labelled twice" in printed.err
    own = kept(twice)
    assert (own.people, own.pictures, own.level) == (12, 12, 0.95)
    assert f"oks.sigmas: {twice}/sigmas/{own.name}.json" in printed.err
    people, _ = read_people(twice / "images/anna.json")
    sigma = np.sqrt(np.median(1 / person_area(people)) / (2 * np.log(2)))  # every joint is 1 px off
    nose = own.joints["nose"]
    assert nose.sigma == pytest.approx(sigma, rel=0.01) and nose.low <= nose.sigma <= nose.high and nose.pairs == 12
    assert list(own.joints) == list(COCO_KEYPOINTS) and not own.lacking
    page = (twice / "report/agreement.md").read_text()
    assert "| nose | 12 | " in page and "nan" not in page
    assert (twice / "report/agreement.png").read_bytes().startswith(b"\x89PNG")


def test_the_page_repeats_the_command_with_every_option_that_decides(twice: Path) -> None:
    (folder := twice.with_name("two annotators")).mkdir()
    twice.rename(folder / "twice")
    asked = [*arguments(folder / "twice"), "--format", "dataengine", "--level", "0.8"]
    with pytest.raises(SystemExit, match="0"):
        main(asked)
    page = (folder / "twice/report/agreement.md").read_text()
    line = next(line for line in page.splitlines() if line.startswith("    dataengine "))
    assert shlex.split(line) == ["dataengine", *asked]


def test_joints_that_were_not_labelled_twice_keep_cocos_sigma(twice: Path) -> None:
    path = twice / "images/ben.json"
    people, images = read_people(path)
    flags = people.visibility.copy()
    flags[:5, 3] = 0
    write_people(path, people.replace(visibility=flags), images)
    with pytest.raises(SystemExit, match="0"):
        main(arguments(twice))
    own = kept(twice)
    assert own.lacking == ["left_ear"]
    assert own.protocol.sigmas[3] == COCO_SIGMAS[3] and own.protocol.sigmas[2] != COCO_SIGMAS[2]
    assert "| left_ear | 7 | - |" in (twice / "report/agreement.md").read_text()


def test_too_few_people_keep_no_sigmas(twice: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("anna.json", "ben.json"):
        people, images = read_people(twice / "images" / name)
        write_people(twice / "images" / name, people.take(np.arange(9)), images.take(np.arange(9)))
    with pytest.raises(SystemExit, match="0"):
        main(arguments(twice))
    assert "no joint was labelled twice on 10 people" in capsys.readouterr().err
    assert not (twice / "sigmas").exists()


def test_sets_with_nothing_in_common_are_refused(twice: Path, capsys: pytest.CaptureFixture[str]) -> None:
    people, images = draw_standing_people(twice / "images/others", 3, seed=9)
    write_people(twice / "images/others.json", people, images)
    with pytest.raises(SystemExit, match="2"):
        main(arguments(twice, second="others.json"))
    assert "no picture in common" in capsys.readouterr().err
    assert not (twice / "report").exists() and not (twice / "sigmas").exists()
