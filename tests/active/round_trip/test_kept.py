"""Imported labels: what they say of themselves, what was labelled before, and what is not asked for again."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from dataengine.active.labelling.sent import pictures_path, sent_path
from dataengine.active.manifest.files import read_selection
from dataengine.active.selection import run as run_selection
from dataengine.cli import app, main
from dataengine.coco_json import read_people, write_people
from dataengine.errors import InputError
from dataengine.files import sha256_file
from dataengine.labels.label_store import read_store, without_superseded

from ..conftest import Project
from ..selecting import OUT, inputs, select
from ..selecting import PARAMS as SELECT_PARAMS
from .conftest import LABELS, TOOL, bring_back, edit, info, shift, shift_all


def test_what_was_answered_leaves_the_candidates(exported: Project) -> None:
    """The round closes: neither labelled frames nor those without anybody are asked for again."""

    def clear_one(document: dict[str, Any]) -> None:
        document["images"][0]["nobody"] = True
        document["annotations"] = document["annotations"][2:]

    edit(clear_one)
    shift_all(4.0)
    done = bring_back()
    answered = set(read_selection(OUT).picks)
    write_people(Path("data/train.json"), *read_people(done.path))
    select(replace(exported, labelled=Path("data/train.json")))
    again = read_selection(OUT)
    assert len(answered) == 4 and not answered & set(again.picks)
    assert not answered & set(again.scored_sha256) and len(answered & set(again.labelled_sha256)) == 3


def test_each_label_says_who_made_it_when_and_from_what(exported: Project) -> None:
    def by_two(document: dict[str, Any]) -> None:
        for record, name in zip(document["images"], ["bob", "anna", "anna", "anna"], strict=True):
            record["annotator"] = name
        for annotation in document["annotations"]:
            shift(annotation, 3)

    edit(by_two)
    done = bring_back()
    known = info(done)
    assert known["annotator_names"] == ["anna", "bob"] and known["number"] == 1 and known["supersedes"] == {}
    assert known["imported"] == {
        "at": known["imported"]["at"],
        "file": "coco.json",
        "file_sha256": sha256_file(TOOL),
        "sent": "coco.sent.json",
        "sent_sha256": sha256_file(sent_path(TOOL)),
        "selection_sha256": read_selection(OUT).digest,
    }
    people, _ = read_people(done.path)
    assert sorted(people.extras["annotator"].tolist()) == ["anna"] * 6 + ["bob"] * 2


def test_an_import_says_what_was_labelled_before_and_changes_none_of_it(
    exported: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    """A part first, then all by another annotator, then that again, and in the end the first part once more."""
    section = {"moved_px": 1.0, "max_untouched_share": 0.95, "untouched": "refuse", "untouched_weight": 0.5}
    Path("params.yaml").write_text(yaml.safe_dump({"label-import": section, "oks": {"sigmas": ""}}))
    shift_all(3.0)
    whole = TOOL.read_text()
    first_image = json.loads(whole)["images"][0]["id"]
    edit(
        lambda d: d.update(
            images=d["images"][:1], annotations=[a for a in d["annotations"] if a["image_id"] == first_image]
        )
    )
    part = TOOL.read_text()

    def told(text: str, by: str) -> str:
        TOOL.write_text(text)
        done = CliRunner().invoke(app, ["label-import", "--labels", str(TOOL), "--out", str(LABELS), "--annotator", by])
        assert done.exit_code == 0, done.output
        return " ".join(done.output.split())

    assert "labelled before" not in told(part, "anna")
    (first,) = LABELS.glob("*.json")
    content = first.read_bytes()
    assert f"1 images were labelled before, by anna ({first}, 20" in told(whole, "ben")
    assert "these very labels already" in told(whole, "ben") and len(list(LABELS.glob("*.json"))) == 2
    assert "1 images were labelled before, by ben (" in told(part, "anna")
    store = read_store(LABELS)
    assert [(file.number, file.annotators) for file in store] == [(1, ("anna",)), (2, ("ben",)), (3, ("anna",))]
    assert store[0].path == first and first.read_bytes() == content
    assert [len(file.images) for file in without_superseded(store)] == [0, 3, 1]


def test_labelled_frames_count_from_the_import_on(exported: Project) -> None:
    """Before anybody adds the file to mix.labels; so do their neighbours that show the same."""
    shift_all(3.0)
    answered = {key: entry["frame"] for key, entry in read_selection(OUT).picks.items()}
    bring_back()
    run_selection(SELECT_PARAMS, **inputs(exported), labels=LABELS, out=OUT, report=Path("reports/select"))
    again = read_selection(OUT)
    assert len(answered) == 4 and not set(answered) & {*again.picks, *again.scored_sha256, *again.labelled_sha256}
    Path(read_store(LABELS)[0].images.path[0]).unlink()
    with pytest.raises(InputError, match=r"the label store has labels of.*is missing; .*`dvc pull --force data/labels"):
        run_selection(SELECT_PARAMS, **inputs(exported), labels=LABELS, out=OUT, report=Path("reports/select"))


def test_the_commands_and_their_one_line_faults(selected: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Export and import by the command line, with params.yaml."""
    section = {"moved_px": 1.0, "max_untouched_share": 0.95, "untouched": "refuse", "untouched_weight": 0.5}
    Path("params.yaml").write_text(yaml.safe_dump({"label-import": section, "oks": {"sigmas": ""}}))
    out = CliRunner().invoke(app, ["label-export", "--selection", str(OUT), "--out", str(TOOL), "--gold", "1"])
    assert out.exit_code == 0 and "5 images (1 of them gold)" in out.output
    assert f"keep {sent_path(TOOL)} and {pictures_path(TOOL)}/ for the import" in " ".join(out.output.split())
    xml = ["label-export", "--selection", str(OUT), "--out", "tool/cvat.xml", "--format", "cvat"]
    assert "paste tool/cvat.labels.json; upload the images of" in CliRunner().invoke(app, xml).output
    back = ["label-import", "--labels", str(TOOL), "--out", str(LABELS), "--annotator", "anna"]
    with pytest.raises(SystemExit) as stopped:
        main(back)
    assert stopped.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "anna left" in line and "label-import.untouched" in line and not LABELS.exists()
    section["untouched"] = "mark"
    Path("params.yaml").write_text(yaml.safe_dump({"label-import": section, "oks": {"sigmas": ""}}))
    done = CliRunner().invoke(app, back)
    assert done.exit_code == 0 and "100% untouched: marked" in done.output and "on 1 gold frames OKS" in done.output
    assert len(list(LABELS.glob("*.json"))) == 1
    for key, value in (("untouched", "ignore"), ("moved_px", 0.0), ("max_untouched_share", 1.5)):
        Path("params.yaml").write_text(yaml.safe_dump({"label-import": {**section, key: value}, "oks": {"sigmas": ""}}))
        with pytest.raises(SystemExit):
            main(back)
        assert f"label-import.{key}" in capsys.readouterr().err
