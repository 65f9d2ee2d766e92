"""The benchmark on a few pictures, and where there are none."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dataengine.coco_json import write_people
from dataengine.datasets.bench import ingest
from dataengine.errors import EnvironmentFault
from dataengine.people import Images, People


def small_set(folder: Path) -> None:
    (folder / "images").mkdir(parents=True)
    paths = [folder / "images" / f"{row}.jpg" for row in range(4)]
    for row, path in enumerate(paths):
        Image.fromarray(np.random.default_rng(row).integers(0, 256, (50, 60, 3), dtype=np.uint8)).save(path)
    images = Images.build(id=np.arange(1, 5), path=list(map(str, paths)), width=60, height=50)
    people = People.build(
        image_id=images.id,
        bbox_xywh_px=np.tile([5, 5, 40, 40], (4, 1)),
        keypoints_px=np.tile(np.linspace(6, 40, 34).reshape(17, 2), (4, 1, 1)),
        visibility=np.full((4, 17), 2),
    )
    write_people(folder / "images/annotations.json", people, images)
    (folder / "images/annotations.json").rename(folder / "annotations.json")


def test_without_the_images_it_says_so_and_gives_no_figure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ingest, "REAL_SET", tmp_path / "nowhere")
    assert list(ingest.run()) == []
    assert capsys.readouterr().err.startswith("ingest: skipped")


def test_both_sides_are_measured_on_the_same_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_set(tmp_path)
    monkeypatch.setattr(ingest, "REAL_SET", tmp_path)
    (figure,) = ingest.run()
    assert figure.name == "ingest.images_per_s" and figure.ours > 0 and figure.peer is not None and figure.peer > 0


def test_pictures_that_do_not_pass_make_no_figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_set(tmp_path)
    with pytest.raises(EnvironmentFault, match="3 of 4 pass"):
        damaged = tmp_path / "images/2.jpg"
        damaged.write_bytes(damaged.read_bytes()[:700])
        ingest.seconds_of_all_checks(tmp_path / "annotations.json", tmp_path / "images", 4)
