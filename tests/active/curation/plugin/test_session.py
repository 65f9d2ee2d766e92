"""A whole session with the operators: a real database, FiftyOne's executor, and dataengine's commands behind them."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from dataengine.active.curation.plugin import place
from dataengine.active.curation.plugin_link import SOURCE
from dataengine.active.forecast.before_labelling import forecast_line
from dataengine.active.manifest.files import read_manifest, read_selection
from dataengine.active.selection import run as select
from dataengine.coco_json import read_people
from dataengine.errors import InputError
from dataengine.keypoints import COCO_KEYPOINTS

from ...conftest import make_project
from ...selecting import OUT, PARAMS, REPORT

pytestmark = pytest.mark.usefixtures("fiftyone_turn")
PROBE = Path(__file__).with_name("session_probe.py")
Said = dict[str, Any]


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Said]:
    """What every operator answered; the working folder is the project's."""
    root = tmp_path_factory.mktemp("project")
    before = Path.cwd()
    os.chdir(root)
    try:
        project = make_project(root)
        inputs = {name: getattr(project, name) for name in ("student", "candidates", "labelled", "val")}
        select(replace(PARAMS, dataset="people"), **inputs, out=OUT, report=REPORT)
        Path("params.yaml").write_text(
            "select: {budget: 4, strategy: uncertainty+diversity, min_gap_frames: 10, appearance_weight: 0.3, seed: 0, "
            f"fiftyone: true, dataset: people}}\napp: {{selection: {OUT}, port: 5151}}\noks: {{sigmas: ''}}\n"
            "registry: {file: models/registry.json, store: models/registry}\ncurate: {labels: labels}\n"
            "label-import: {moved_px: 1.0, max_untouched_share: 0.9, untouched: refuse, untouched_weight: 0.5}\n"
        )
        environment = {
            **os.environ,
            "FIFTYONE_DATABASE_DIR": str(root / "mongo"),
            "FIFTYONE_PLUGINS_DIR": str(root / "plugins"),
        }
        environment.pop("FIFTYONE_DATABASE_URI", None)
        command = [sys.executable, str(PROBE), "people"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr[-3000:]
        line = next(line for line in done.stdout.splitlines() if line.startswith("ANSWER "))
        yield json.loads(line.removeprefix("ANSWER "))
    finally:
        os.chdir(before)


def test_every_tab_of_the_panel_shows_what_it_is_for(said: Said) -> None:
    assert "0 of 4 picks finished" in said["tabs"]["queue"] and "joints are open" in said["tabs"]["queue"]
    assert '"label": "Next"' in said["another_selection"] and "Accept" not in said["another_selection"]
    assert "film_excess" in said["tabs"]["rule"] and "Use these params" in said["tabs"]["rule"]
    assert "No comparison yet" in said["tabs"]["round"]
    line = forecast_line(read_selection(OUT), Path("params.yaml"))
    assert "more minutes (about 4 images): nobody can say yet what they buy" in line
    assert line in said["tabs"]["round"], "the words of label-export"


def test_every_operator_is_registered_and_the_skill_names_it(said: Said) -> None:
    metadata = yaml.safe_load((SOURCE / "fiftyone.yml").read_text())
    assert said["operators"] == sorted([*metadata["operators"], *metadata["panels"]]) and said["errors"] == []
    skill = (SOURCE / "skills/curate_poses/SKILL.md").read_text()
    assert all(f"`{name}`" in skill for name in metadata["operators"])
    assert len(said["skills"]) == 1, "FiftyOne lists the skill"


def test_the_queue_goes_by_rank_and_says_why(said: Said) -> None:
    entries = read_manifest(OUT / "to_label.json")["images"]
    by_rank = sorted(entries, key=lambda key: entries[key]["rank"])
    first, second, third = said["next"], said["second"], said["progress"]
    assert [each["sha256"] for each in (first, second, third)] == by_rank[:3]
    assert first["why"] == entries[by_rank[0]]["why"] and "0 finished" in first["message"]
    assert "pick 3 of 4, 2 finished" in third["message"]
    assert first["asked"][:2] == ["set_view", "open_sample"]


def test_faults_are_one_line_and_change_nothing(said: Said) -> None:
    words = {
        "nothing": "not clear which picture is meant: got none",
        "unknown": "unknown joint 'tail'",
        "outside": "nose lies outside of the picture of 220 x 200 px",
        "nobody": "no person 7: expected 0 to 1",
        "nowhere": "nose lies outside of the picture of 220 x 200 px",
        "no_place": "the place of nose: expected [x, y] in pixels, or [x, y, visibility], got left",
        "too_early": "28 joints of the picture are open",
        "nothing_to_save": "no picture is finished yet",
        "no_picks": "the view shows no picks",
        "sent_again": "sent/two.xml exists already",
        "sent_away": "../two.json leaves the project",
        "not_computed": "the score jitter was not computed by select",
        "foreign": "dataset 'foreign' shows no selection; open the App by `dataengine app`",
        "foreign_rule": "dataset 'foreign' shows no selection; open the App by `dataengine app`",
        "gone": "does not exist; run `dataengine select` again",
        "moved_on": "has been made again since dataset 'people' was built",
    }
    for name, expected in words.items():
        assert said[name]["ok"] is False and expected in said[name]["message"], said[name]
        assert "\n" not in said[name]["message"] and said[name]["asked"] == ["notify"]
    assert "film_excess" in said["out_of_range"]["crash"], "FiftyOne checks the form"
    assert said["gone_files"] == [], "a picture that is gone finishes nothing"


def test_a_picture_that_is_gone_does_not_stop_the_queue(said: Said) -> None:
    assert "does not exist" in said["gone_shown"] and '"label": "Next"' in said["gone_shown"]
    assert "4 picks" in said["gone_shown"], "the rest of the tab is there"
    assert said["gone_next"]["ok"] and said["gone_next"]["sha256"] != said["after_rebuild"]["sha256"]


def test_what_was_decided_counts_though_the_database_failed_before_it_was_shown(said: Said) -> None:
    assert said["failed"]["ok"] is False
    assert said["failed"]["message"].startswith("FiftyOne's database failed: got 127.0.0.1:1: connection closed; open")
    assert said["after_failure"]["ok"]
    (path,) = Path("out/answers").rglob(f"{said['after_failure']['sha256']}.json")
    person = json.loads(path.read_text())["people"][0]
    assert person["points_px"][0] == [50, 40] and person["decision"][:2] == ["fixed", "accepted"]


def test_a_database_that_dies_in_mid_session_is_one_line(said: Said) -> None:
    assert said["answering"] == [True, False]
    for message in (said["killed"]["message"], said["killed_build"]):
        assert "FiftyOne's database" in message and "\n" not in message and len(message) < 450
    assert said["killed"]["ok"] is False
    assert all(json.loads(path.read_text()) for path in Path("out/answers").rglob("*.json")), "answers are whole"


def test_answers_come_back_as_labels_of_who_gave_them(said: Said) -> None:
    assert said["brought_back"]["ok"], said["brought_back"]
    (path,) = Path("labels").glob("*.json")
    info = json.loads(path.read_text())["info"]
    people, images = read_people(path, root=Path.cwd())
    added = people.take(people.keypoints_px[:, 0, 0] == 30.5)
    people = people.take(people.keypoints_px[:, 0, 0] != 30.5)
    assert added.keypoints_px[0, [0, 11, 12]].tolist() == [[30.5, 20], [33, 60.25], [25, 61]]
    assert np.flatnonzero(added.visibility[0]).tolist() == [0, 11, 12] and added.visibility[0, 11] == 1
    assert said["added"]["person"] == 2 and said["added_nobody"]["ok"], "of whom no joint is placed, no label comes"
    assert len(people) == 2 and set(people.extras["annotator"].tolist()) == {"anna"}
    assert info["nobody"] == [{"sha256": said["second"]["sha256"], "annotator": "ben"}]
    assert set(people.extras["sha256"].tolist()) == {said["next"]["sha256"]} and len(images) == 2
    effort = info["annotators"]["anna"]
    assert (effort["moved"], effort["removed"], effort["added"]) == (3, 2, 3), "the editor's move and hole are counted"
    rows = {tuple(points[0].round(2).tolist()): row for row, points in enumerate(people.keypoints_px)}
    first = rows[(101.25, 42.5)]
    by_name = dict(zip(COCO_KEYPOINTS, people.visibility[first].tolist(), strict=True))
    assert by_name["left_hip"] == 1 and by_name["left_wrist"] == 0 and by_name["nose"] == 2
    second = 1 - first
    assert people.keypoints_px[second, 16] == pytest.approx([60.5, 30.25], abs=1e-3)
    assert people.visibility[second, 15] == 0, "the hole that the editor left"


def test_a_dataset_that_is_built_again_goes_on_where_it_was(said: Said) -> None:
    assert said["after_rebuild"]["sha256"] == said["progress"]["sha256"]
    assert "2 finished" in said["after_rebuild"]["message"]
    assert said["taken_up"]["open"] == 0, "the other joints are decided still"


def test_the_rule_of_select_gives_its_very_picks_and_another_gives_others(said: Said) -> None:
    entries = read_manifest(OUT / "to_label.json")["images"]
    assert said["same"]["picks"] == sorted(entries, key=lambda key: entries[key]["rank"]) and said["same"]["new"] == 0
    assert len(said["other"]["picks"]) == 3 and said["other"]["new"] > 0 and said["other"]["spent"] == 3
    params, text = said["params"], Path("params.yaml").read_text()
    assert yaml.safe_load(params["yaml"]) == {
        "select": {"strategy": "uncertainty", "budget": 3, "weights": {"spread": 2}}
    }
    assert params["options"].endswith("-S select.weights.spread=2") and "spread" not in text, "nothing is written"
    assert said["unchanged"]["options"] == ""


def test_renders_and_an_annotation_tool_get_what_was_chosen(said: Said) -> None:
    people, _ = read_people(Path(said["renders"]["file"]))
    assert len(people) == said["renders"]["people"] == 3, "the second picture shows nobody"
    assert [101.25, 42.5] in people.keypoints_px[:, 0].round(2).tolist(), "the answer, not the guess"
    assert f"--like {Path(said['renders']['file']).relative_to(Path.cwd())}" in said["renders"]["run"]
    assert said["sent"]["pictures"] == 2 and Path("sent/two.xml").is_file()
    assert len(list(Path("sent/two.pictures").iterdir())) == 2
    assert sorted(path.name for path in Path("sent").glob("two*.json")) == ["two.labels.json", "two.sent.json"]


def test_a_project_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    info = {"project": str(tmp_path / "gone"), "selection_sha256": "0" * 64}
    with pytest.raises(InputError, match="shows a project that is not there"):
        place.place_of(info, "people")
