"""What does not go into the mix."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dataengine.coco_json import read_people, write_people
from dataengine.datasets.mix import run
from dataengine.errors import InputError, ParamsError
from dataengine.people import Images, People

from ...helpers.drawn_people import draw_people_at
from ...helpers.held_out import encoded_again, held_out_file
from ...helpers.label_files import labelled
from ...helpers.pose_samples import write_crowd
from .conftest import BALANCE, OUT, PARAMS, REAL, REPORT, SYNTHETIC, mix


def test_balance_of_other_people_is_refused(real: People) -> None:
    write_crowd(REAL, real.take(np.arange(61)))
    with pytest.raises(InputError, match="made from other training people"):
        mix()
    write_crowd(REAL, real.replace(keypoints_px=real.keypoints_px + 1))
    with pytest.raises(InputError, match="rerun `dataengine balance`"):
        mix()
    assert not OUT.exists() and not REPORT.exists()


def test_files_in_each_others_place_are_refused(real: People) -> None:
    with pytest.raises(InputError, match="another source"):
        run(PARAMS, real=SYNTHETIC, synthetic=REAL, balance=BALANCE, out=OUT, report=REPORT)


@pytest.mark.parametrize("ratio", [-0.1, float("nan"), float("inf")])
def test_a_ratio_that_makes_no_sense(real: People, ratio: float) -> None:
    with pytest.raises(ParamsError, match="synthetic_per_real"):
        mix(replace(PARAMS, synthetic_per_real=ratio))


def test_an_image_outside_the_project_is_refused(real: People) -> None:
    document = json.loads(SYNTHETIC.read_text())
    document["images"][0]["file_name"] = "../../../elsewhere.png"
    SYNTHETIC.write_text(json.dumps(document))
    with pytest.raises(InputError, match="leaves its folder"):
        mix()


def held_out_and_its_people() -> tuple[Path, People, Images]:
    """A test set of six drawn people, as ingest leaves it in the project."""
    people, images = draw_people_at(Path("data/ingest/images"), 6, seed=4)
    write_people(Path("data/ingest/test.json"), people, images)
    return held_out_file(Path("data/ingest"), images), people, images


def test_a_label_file_that_is_the_test_set_is_refused(real: People) -> None:
    held_out, people, images = held_out_and_its_people()
    paths = {"real": REAL, "synthetic": SYNTHETIC, "balance": BALANCE, "out": OUT, "report": REPORT}
    run(PARAMS, **paths, held_out=held_out)
    again = encoded_again(Path(images.path[2]), Path("tool/again.jpg"))
    for taken, table, what in (
        ([0, 1, 2, 3, 4, 5], images, ("6 of test", "the same file")),
        ([1], images.take([1]), ("1 of test", "the same file")),
        ([2], images.take([2]).replace(path=[str(again)]), ("1 of test", "a near duplicate")),
        ([], images.take([3]), ("1 of test", "the same file")),
    ):
        name = str(labelled(people.take(taken), table).path)
        with pytest.raises(InputError) as told:
            run(replace(PARAMS, labels=[name]), **paths, held_out=held_out)
        assert str(told.value).startswith(
            f"{name} has pictures that are held out for measuring: {what[0]}: expected none"
        )
        assert f", {what[1]} " in str(told.value)


@pytest.mark.parametrize("place", [REAL, SYNTHETIC])
def test_test_pictures_among_real_or_rendered_people_are_refused(real: People, place: Path) -> None:
    held_out, _, images = held_out_and_its_people()
    _, table = read_people(place)
    shutil.copyfile(str(images.path[0]), str(table.path[3]))
    with pytest.raises(InputError, match=rf"^{place} has pictures.*1 of test"):
        run(PARAMS, real=REAL, synthetic=SYNTHETIC, balance=BALANCE, out=OUT, report=REPORT, held_out=held_out)
