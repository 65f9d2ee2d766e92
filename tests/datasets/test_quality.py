"""The whole of checks, splits and report, judged by the files that are written."""

import json
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from dataengine.boxes import box_from_keypoints
from dataengine.coco_json import write_people
from dataengine.datasets.check import run
from dataengine.datasets.checks.checking import Counts, check_set
from dataengine.datasets.checks.finding import CHECKS, Finding
from dataengine.datasets.checks.params import ChecksParams
from dataengine.datasets.quality.intake import Intake, check_and_split
from dataengine.datasets.quality.report import write_suspects
from dataengine.datasets.splits.assign import DROPPED, SPLITS, SplitParams, split_group
from dataengine.datasets.splits.freeze import LOCK_NAME
from dataengine.errors import InputError, ParamsError
from dataengine.people import Images, People

from ..helpers.browser import browse, seen_on_a_phone
from ..helpers.pose_samples import STANDING

SPLIT = SplitParams(val_share=0.25, test_share=0.35, gap_frames=0)


def picture(path: Path, seed: int, quality: int = 95) -> None:
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(coarse).resize((96, 120), Image.Resampling.BICUBIC).save(path, quality=quality)


def a_set(folder: Path, seeds: list[int], *, qualities: list[int] | None = None) -> tuple[People, Images]:
    """One standing person in each picture; equal seeds give the same scene."""
    for row, seed in enumerate(seeds):
        picture(folder / f"{row}.jpg", seed, qualities[row] if qualities else 95)
    images = Images.build(
        id=np.arange(1, len(seeds) + 1),
        path=[str(folder / f"{r}.jpg") for r in range(len(seeds))],
        width=96,
        height=120,
    )
    jitter = np.random.default_rng(0).normal(0, 0.01, (len(seeds), 17, 2))
    points = (STANDING + jitter) * 80 + (10, 20)
    flags = np.full(points.shape[:2], 2)
    people = People.build(
        image_id=images.id,
        bbox_xywh_px=box_from_keypoints(points, flags),
        keypoints_px=points,
        visibility=flags,
        extras={"source_id": images.id + 100},
    )
    return people, images


DAMAGE = st.sampled_from(["fine", "fine", "absent", "cut", "size", "copy", "twin", "collapsed", "near"])


@given(st.lists(DAMAGE, min_size=1, max_size=9), st.integers(0, 4), st.integers(0, 3))
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_records_in_are_kept_quarantined_or_merged_whatever_is_wrong(
    tmp_path: Path, damages: list[str], bad: int, without_labels: int
) -> None:
    shutil.rmtree(tmp_path / "s", ignore_errors=True)
    people, images = a_set(tmp_path / "s", list(range(len(damages))))
    width, points, ids = images.width.copy(), people.keypoints_px.copy(), people.image_id.copy()
    twins = []
    for row, damage in enumerate(damages):
        path = Path(images.path[row])
        if damage == "absent":
            path.unlink()
        elif damage == "cut":
            path.write_bytes(path.read_bytes()[:300])
        elif damage == "size":
            width[row] = 95
        elif damage == "copy":
            picture(path, seed=777)
        elif damage == "near":
            picture(path, seed=888, quality=95 - row)
        elif damage == "twin":
            twins.append(row)
        elif damage == "collapsed":
            points[row] = 50
    people = people.replace(keypoints_px=points, image_id=ids)
    people = People.concat([people, people.take(np.array(twins, dtype=int))])
    findings = [Finding("record", "annotations", str(n), "a.json", "bad") for n in range(bad)]
    intake = check_and_split(
        people, images.replace(width=width), ChecksParams(), SPLIT,
        report=tmp_path / "r", bad=findings, without_labels=without_labels,
    )  # fmt: skip
    document = json.loads((tmp_path / "r/quality.json").read_text())
    counts = document["counts"]
    assert counts["in"] == len(people) + len(images) + bad + without_labels
    assert counts["in"] == counts["kept"] + counts["quarantined"] + counts["merged"]
    kept = document["kept"]
    assert counts["kept"] == kept["images"] + kept["people"] + without_labels
    used = intake.split != DROPPED
    assert kept["images"] == used.sum() and kept["people"] == (intake.people_split() != DROPPED).sum()
    copies = damages.count("copy")
    assert counts["merged"] == max(0, copies - 1) + len([row for row in twins if damages[row] == "twin"])
    listed = [finding for finding in document["findings"] if finding["severity"] == "quarantine"]
    assert len(listed) == counts["quarantined"]
    assert sum(check["found"] for check in document["checks"].values()) == len(document["findings"])
    assert document["near_duplicates"]["across_splits"] == 0
    assert sum(document["splits"].values()) == used.sum()


def test_counts_that_do_not_add_up_cannot_be_made() -> None:
    with pytest.raises(AssertionError):
        Counts(10, 5, 2, 2)


def test_people_of_a_copied_picture_move_to_the_first_and_identical_ones_are_merged(tmp_path: Path) -> None:
    people, images = a_set(tmp_path, [1, 2, 1])
    points = people.keypoints_px.copy()
    points[2] = points[0]
    same = people.replace(keypoints_px=points, bbox_xywh_px=people.bbox_xywh_px[[0, 1, 0]])
    for candidates, left in ((same, [1, 2]), (people, [1, 2, 1])):
        checked = check_set(candidates, images, ChecksParams())
        assert checked.images.id.tolist() == [1, 2]
        assert checked.people.image_id.tolist() == left
        assert checked.counts.merged == 6 - len(left) - 2


def test_what_is_suspect_stays_and_is_marked(tmp_path: Path) -> None:
    people, images = a_set(tmp_path, [1, 2, 3])
    points, boxes = people.keypoints_px.copy(), people.bbox_xywh_px.copy()
    points[1, 9] += 300  # the left wrist
    boxes[1] = (0, 0, 96, 120)
    boxes[2] = (40, 40, 10, 10)
    people = people.replace(keypoints_px=points, bbox_xywh_px=boxes)
    checked = check_set(people, images, ChecksParams())
    assert checked.people.extras["suspect"].tolist() == ["", "box,limbs", "tiny,box"]
    write_people(tmp_path / "people.json", checked.people, checked.images)
    records = json.loads((tmp_path / "people.json").read_text())["annotations"]
    assert [record["suspect"] for record in records] == ["", "box,limbs", "tiny,box"]


def near_twins(folder: Path) -> tuple[People, Images]:
    """30 scenes, each photographed twice."""
    seeds = [scene for scene in range(30) for _ in range(2)]
    return a_set(folder, seeds, qualities=[95, 80] * 30)


def test_a_training_picture_that_nearly_is_a_test_picture_is_set_aside(tmp_path: Path) -> None:
    people, images = near_twins(tmp_path / "s")
    intake = check_and_split(people, images, ChecksParams(), SPLIT, report=tmp_path / "r")
    homes = [split_group(key, SPLIT) for key in intake.keys]
    for a in range(0, 60, 2):
        expected = max(homes[a : a + 2], key=SPLITS.index)
        assert intake.split[a : a + 2].tolist() == [h if h == expected else DROPPED for h in homes[a : a + 2]]
    leaks = [f for f in intake.quality.findings if f.check == "leak" and f.table == "images"]
    assert len(leaks) == sum(homes[a] != homes[a + 1] for a in range(0, 60, 2)) > 3
    assert all("near duplicates" in f.reason for f in leaks)
    document = json.loads((tmp_path / "r/quality.json").read_text())
    assert (document["near_duplicates"]["pairs"], document["near_duplicates"]["clusters"]) == (30, 30)


def frozen(folder: Path, intake: Intake) -> SplitParams:
    """The params that freeze what `intake` found, as a user does it: the lock file copied."""
    folder.mkdir(parents=True)
    intake.freeze(folder, SPLIT)
    shutil.copyfile(folder / LOCK_NAME, folder / "kept.json")
    return replace(SPLIT, frozen_test=str(folder / "kept.json"))


def test_a_frozen_test_set_stays_while_data_is_added_and_what_would_join_it_waits(tmp_path: Path) -> None:
    people, images = a_set(tmp_path / "s", list(range(60)))
    first = check_and_split(
        people.take(np.arange(25)), images.take(np.arange(25)), ChecksParams(), SPLIT, report=tmp_path / "r"
    )
    params = frozen(tmp_path / "lock", first)
    second = check_and_split(people, images, ChecksParams(), params, report=tmp_path / "r")
    second.freeze(tmp_path / "again", params)
    assert second.test_set(params) == first.test_set(SPLIT)
    assert (second.split[:25] == first.split).all()
    waiting = [split_group(key, SPLIT) == "test" for key in second.keys[25:]]
    assert (second.split[25:][waiting] == DROPPED).all() and sum(waiting) > 3
    assert "reserved" in (tmp_path / "r/quality.html").read_text()
    renamed = check_and_split(people, images, ChecksParams(), replace(params, test_version="2"), report=tmp_path / "r")
    grown = renamed.freeze(tmp_path / "new", replace(params, test_version="2"))
    assert set(grown.keys) > set(first.test_set(SPLIT).keys) and grown.version == "2"


def test_a_changed_test_set_is_refused_with_what_changed(tmp_path: Path) -> None:
    people, images = a_set(tmp_path / "s", list(range(25)))
    params = frozen(tmp_path / "lock", check_and_split(people, images, ChecksParams(), SPLIT, report=tmp_path / "r"))
    before = check_and_split(people, images, ChecksParams(), params, report=tmp_path / "r")
    row = int(np.flatnonzero(before.people_split() == "test")[0])
    points = people.keypoints_px.copy()
    points[row, 3, 0] += 0.01
    moved = check_and_split(people.replace(keypoints_px=points), images, ChecksParams(), params, report=tmp_path / "r")
    with pytest.raises(InputError, match=r"frozen and has changed.*other labels.*test_version"):
        moved.freeze(tmp_path / "x", params)
    rest = np.setdiff1d(np.arange(25), [row])
    fewer = check_and_split(people.take(rest), images.take(rest), ChecksParams(), params, report=tmp_path / "r")
    with pytest.raises(InputError, match="1 images missing, 0 new"):
        fewer.freeze(tmp_path / "x", params)
    assert not (tmp_path / "x").exists()


def test_the_test_sets_hash_knows_neither_order_nor_place(tmp_path: Path) -> None:
    people, images = a_set(tmp_path / "s", list(range(60)))
    shutil.copytree(tmp_path / "s", tmp_path / "t")
    elsewhere = images.replace(path=[p.replace(str(tmp_path / "s"), str(tmp_path / "t")) for p in images.path])
    order = np.random.default_rng(1).permutation(60)
    ours, theirs = (
        check_and_split(p, i, ChecksParams(), SPLIT, report=tmp_path / "r").test_set(SPLIT)
        for p, i in ((people, images), (people.take(order), elsewhere.take(order[::-1])))
    )
    assert ours == theirs and ours.people > 10


@pytest.mark.parametrize("text", ["[]", '{"version": "1"}', '{"version": 1, "sha256": 2, "people": 3, "keys": [4]}'])
def test_a_lock_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "lock.json").write_text(text)
    people, images = a_set(tmp_path / "s", [1])
    with pytest.raises(InputError, match="does not freeze a test set"):
        check_and_split(
            people,
            images,
            ChecksParams(),
            replace(SPLIT, frozen_test=str(tmp_path / "lock.json")),
            report=tmp_path / "r",
        )


class Page(HTMLParser):
    """What a page asks for and what tags it has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.asks: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.asks += [value or "" for name, value in attributes if name in ("src", "href", "srcset", "action")]


def test_the_command_shows_files_as_splits_and_the_page_is_safe_and_asks_for_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "<script>alert(1)</script> & co"
    people, images = near_twins(folder)
    for name, rows in (("train", np.arange(0, 60, 2)), ("test", np.arange(1, 60, 2))):
        write_people(folder / f"{name}.json", people.take(rows), images.take(rows))
    (folder / "0.jpg").unlink()
    files = [folder / "train.json", folder / "test.json"]
    quality = run(ChecksParams(), annotations=files, images=[folder], out=tmp_path / "out")
    assert quality.across_splits().sum() == 29 and set(quality.split) == {"train", "test"}
    text = (tmp_path / "out/quality.html").read_text()
    page = Page(text)
    assert "script" not in page.tags and "&lt;script&gt;" in text
    assert page.tags.count("img") >= 48, "24 pairs are shown"
    assert all(ask.startswith(("data:image/jpeg;base64,", "#")) for ask in page.asks)
    assert not re.search(r"url\(|@import|http", re.sub(r"base64,[^\"]*", "", text))
    assert "prefers-color-scheme:dark" in text and 'name="viewport"' in text
    assert "near-duplicate pairs lie across splits" in " ".join(text.split())
    counts = json.loads((tmp_path / "out/quality.json").read_text())["counts"]
    assert counts == {"in": 120, "kept": 118, "quarantined": 2, "merged": 0, "left_out": 0}


def test_the_page_fits_a_phone_prints_and_leaves_the_console_silent(tmp_path: Path) -> None:
    people, images = near_twins(tmp_path / "twins")
    boxes = people.bbox_xywh_px.copy()
    boxes[:5] = [[40, 40, side, side] for side in (9, 8, 7, 6, 5)]
    write_people(tmp_path / "twins/all.json", people.replace(bbox_xywh_px=boxes), images)
    run(ChecksParams(), annotations=[tmp_path / "twins/all.json"], images=[tmp_path / "twins"], out=tmp_path / "out")
    page = tmp_path / "out/quality.html"
    text = page.read_text().replace('loading="lazy"', "")  # those below the fold would not be loaded in so short a look
    width, pictures, broken, wide = seen_on_a_phone(text, tmp_path)
    assert width <= 375, f"too wide: {wide}"
    assert pictures >= 48 and broken == 0
    printed = tmp_path / "quality.pdf"
    logged = "--enable-logging=stderr", "--log-level=0"
    said = browse(tmp_path / "profile", *logged, f"--print-to-pdf={printed}", page.as_uri()).stderr
    assert "CONSOLE" not in said
    assert printed.read_bytes().startswith(b"%PDF")


def test_the_sheet_takes_the_gravest_of_each_check_in_turn(tmp_path: Path) -> None:
    people, images = a_set(tmp_path / "s", list(range(8)))
    boxes = people.bbox_xywh_px.copy()
    boxes[:5] = [[40, 40, side, side] for side in (9, 8, 7, 6, 5)]
    write_people(tmp_path / "s/a.json", people.replace(bbox_xywh_px=boxes), images)
    quality = run(ChecksParams(), annotations=[tmp_path / "s/a.json"], images=[tmp_path / "s"], out=tmp_path / "out")
    drawn = write_suspects(tmp_path / "again.jpg", quality)
    assert [f.check for f in drawn] == ["tiny", "box"] * 5
    assert [f.id for f in drawn if f.check == "tiny"] == ["5", "4", "3", "2", "1"], "the smallest first"
    with Image.open(tmp_path / "out/suspects.jpg") as sheet:
        assert sheet.size == (6 * 176, 2 * 176)
        photographs = np.asarray(sheet)
    write_suspects(tmp_path / "labels.jpg", quality, photographs=False)
    with Image.open(tmp_path / "labels.jpg") as sheet:
        white = (np.asarray(sheet) > 240).all(axis=2)
    assert white.mean() > 0.5 > (photographs > 240).all(axis=2).mean(), "labels alone lie on white"


def test_folders_must_match_the_files(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match="--images"):
        run(ChecksParams(), annotations=[tmp_path] * 3, images=[tmp_path] * 2, out=tmp_path / "o")


def test_every_check_says_what_it_means_and_unknown_ones_cannot_be_reported() -> None:
    assert all(says and severity in ("quarantine", "suspect") for severity, says in CHECKS.values())
    with pytest.raises(AssertionError):
        Finding("unheard-of", "images", "1", "a", "b")


@pytest.mark.parametrize(
    "change", [{"same_person_oks": 1.5}, {"tiny_px": -1.0}, {"limb_excess": 0.5}, {"near_duplicate_bits": 20}]
)
def test_impossible_params_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ParamsError, match=f"ingest.checks.{next(iter(change))}"):
        ChecksParams(**change)


@pytest.mark.realdata
@pytest.mark.slow
def test_half_of_lspet_and_all_of_it_agree_on_every_split(tmp_path: Path, shared_data: Path) -> None:
    from dataengine.datasets.formats.coco import read_coco

    content = read_coco(shared_data / "lspet/annotations.json", shared_data / "lspet/images")
    half = np.isin(content.images.id, content.images.id[::2])
    people_half = content.people.take(half[content.images.rows_of(content.people.image_id)])
    small = check_and_split(people_half, content.images.take(half), ChecksParams(), SPLIT, report=tmp_path / "half")
    large = check_and_split(content.people, content.images, ChecksParams(), SPLIT, report=tmp_path / "all")
    after = dict(zip(large.keys, large.split, strict=True))
    assert all(after[key] in (split, DROPPED) for key, split in zip(small.keys, small.split, strict=True))
    assert all(after[key] == "test" for key, split in zip(small.keys, small.split, strict=True) if split == "test")
    document = json.loads((tmp_path / "all/quality.json").read_text())
    assert 25 <= document["near_duplicates"]["pairs"] <= 45 and document["near_duplicates"]["across_splits"] == 0
