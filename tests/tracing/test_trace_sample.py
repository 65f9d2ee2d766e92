"""`trace` and `ledger` over a project after a round."""

import json
import re
import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from dataengine.active.manifest.entered import enter_selection
from dataengine.active.manifest.files import content_sha256
from dataengine.active.selection import run as select
from dataengine.cli import main
from dataengine.errors import InputError
from dataengine.files import sha256_file, write_json
from dataengine.rounds.asked import read_rounds
from dataengine.tracing.trace_sample import document, lines_of, run

from ..active.conftest import write_set
from ..active.selecting import PARAMS
from .conftest import INGEST, LABELS, PIPELINE, RENDER, ROUNDS, SELECTION


def traced(wanted: str) -> tuple[str, dict[str, Any]]:
    """The answer as text and as JSON values."""
    found, sections = run(wanted, pipeline=PIPELINE)
    return "\n".join(lines_of(found, sections)), json.loads(json.dumps(document(found, sections)))


def pick(rank: int) -> str:
    (asked,) = read_rounds(ROUNDS)
    return next(sha256 for sha256, entered in asked.picks.items() if entered["rank"] == rank)


def test_a_training_frame_is_followed_to_its_models(made: Path) -> None:
    path = "data/ingest/train_images/0000.png"
    text, facts = traced(path)
    assert facts["sha256"] == sha256_file(Path(path))
    assert (facts["from"]["video"], facts["from"]["frame"], facts["split"]["sets"]) == ("studio.mp4", 0, ["train"])
    (person,) = facts["mix"]["people"]
    assert (person["draws"], person["cluster"], person["rarity"]) == (3.0, 2, 0.9)
    assert facts["models"]["learnt_by"] == [
        {"model": "student", "state": "present fit"}, {"model": "new", "state": "champion"},
    ]  # fmt: skip
    assert facts["models"]["not_learnt_by"] == ["starter", "teacher"]
    assert [each["model"] for each in facts["models"]["unknown_of"]] == ["old"]
    assert "unknown of old, archived: not here" in text and "by nobody" in text and "never, in 1 recorded round" in text


def test_a_render_is_followed_to_its_scene(made: Path) -> None:
    for wanted in ("000001.png", "000001", "images/000001.png", sha256_file(RENDER / "images/000001.png")[:12]):
        text, facts = traced(wanted)
        assert (facts["from"]["seed"], facts["from"]["index"], facts["from"]["poses"]) == (7, 1, ["plank"])
    assert "light night, ground sand; params ecf06bec91a1" in text
    (person,) = facts["mix"]["people"]
    assert (person["source"], person["draws"]) == ("synthetic", 1.5), "3 of 2 renders for the 6 real draws of a pass"


def test_a_labelled_picture_is_followed_from_its_film_to_its_answer(made: Path) -> None:
    sha256 = pick(0)
    text, facts = traced(sha256[:10])
    film = Path("data/fetch/films/clip.mp4")
    assert (facts["from"]["film"], facts["from"]["film_sha256"]) == (str(film), sha256_file(film))
    assert facts["split"]["sets"] == ["pool"]
    kept, dropped = facts["pseudo"]["people"]
    assert (kept["accepted_joints"], kept["rejected_joints"]) == (15, {"unsteady": 1, "unsure": 1})
    assert dropped["dropped_for"] == "few joints"
    (asked,) = facts["asked"]["rounds"]
    assert (asked["round"], asked["pick"]["rank"]) == (1, 0) and asked["pick"]["why"] in text
    assert asked["choice"]["strategy"] == PARAMS.strategy and asked["choice"]["weights"]["spread"] == 1.0
    assert "new (champion)" in text, "the model that asked is known by its weights"
    (answer,) = facts["answered"]["answers"]
    assert (answer["annotator"], answer["seconds"], answer["round"], answer["people"]) == ("anna", 40.0, 1, 2)
    assert (answer["joints_changed"], answer["in_mix"], answer["counts"]) == (32, False, True)
    kept_picture = next(LABELS.glob(f"pictures/{sha256}*"))
    assert {Path(path).name for path in facts["paths"]} >= {kept_picture.name}
    assert traced(str(kept_picture))[1]["asked"] == facts["asked"], "found by the label's own picture, too"
    assert traced(pick(3))[1]["answered"] == {"answers": []}


def test_what_is_held_out_or_left_out_says_so(made: Path) -> None:
    text, facts = traced("data/ingest/test_images/0020.png")
    assert facts["split"] == {"sets": ["test"], "held_out_for": ["test"], "left_out": [], "suspect": []}
    assert facts["measured"]["test_version"] == "3" and "test set, version 3" in text
    text, facts = traced("twin.png")
    assert facts["split"]["left_out"] == ["leak: near duplicate of a.png"] and facts["sha256"] is None
    assert "sha256 unknown" in text and "models name pictures by their hash" in text


def test_an_unlabelled_frame_that_was_passed_over(made: Path) -> None:
    (asked,) = read_rounds(ROUNDS)
    others = [path for path in Path("data/ingest/pool_images").iterdir() if sha256_file(path) not in asked.picks]
    text, facts = traced(str(others[0]))
    assert facts["asked"] == {"rounds": []} and "passed it over (uncertainty" in text


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ("0", r"'0' stands for 4 pictures: expected one, got train 0000.png, val 0010.png.*give the path"),
        ("clip", r"no picture 'clip'.*at least 6 digits.*among 31 pictures.*1 rounds"),
        ("002", r"no picture '002'.*nearest: 0002.png, 0020.png, 0021.png"),
        ("abcdef0123", "no picture 'abcdef0123'"),
        ("fed98", "no picture 'fed98'.*; of a hash give 6 digits or more: 5 are too few"),
        ("params.yaml", "no picture 'params.yaml'"),
        ("", "no picture ''"),
    ],
)
def test_what_is_unknown_or_ambiguous_is_one_line(made: Path, wanted: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        traced(wanted)
    assert "\n" not in str(caught.value)


def test_a_prefix_of_two_hashes_names_both(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No two files here share six digits, so the least number is lowered until two do."""
    hashes = sorted(sha256_file(path) for path in Path("data/ingest").glob("*_images/*.png"))
    shared = next(a[:1] for a, b in pairwise(hashes) if a[0] == b[0] and a[0] in "abcdef")
    monkeypatch.setattr("dataengine.tracing.finding._HASH", re.compile("[0-9a-f]{1,64}"))
    with pytest.raises(InputError, match=rf"'{shared}' stands for \d+ pictures"):
        traced(shared)


def test_the_commands_print_and_write_nothing(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.stat().st_mtime_ns for path in Path().rglob("*")}
    for words in (["trace", "000001.png", "--json"], ["ledger"]):
        with pytest.raises(SystemExit) as caught:
            main(words)
        assert caught.value.code == 0
    shown = capsys.readouterr().out
    assert json.loads(shown[: shown.index("\n}") + 2])["from"]["kind"] == "render"
    table = [line.split("│")[1:-1] for line in shown.splitlines() if line.startswith("│")]
    first, total = ([cell.strip() for cell in row] for row in table)
    assert first[:1] + first[2:4] + first[5:] == ["1", PARAMS.strategy, "4 images", "4", "2", "64", "1.3", "48.0"]
    assert total[:1] + total[5:] == ["all", "4", "2", "64", "1.3", "48.0"]
    assert {path: path.stat().st_mtime_ns for path in Path().rglob("*")} == before


def test_a_selection_is_entered_when_it_goes_out_and_one_of_nothing_never(made: Path, tmp_path: Path) -> None:
    """Where DVC took the selection from its cache, the record is the one that select leaves, but for the time."""
    words = ["label-export", "--selection", str(SELECTION), "--out", str(tmp_path / "out.json")]
    with pytest.raises(SystemExit) as caught:
        main([*words, "--rounds", str(tmp_path / "rounds")])
    assert caught.value.code == 0
    (entered,), (known,) = read_rounds(tmp_path / "rounds"), read_rounds(ROUNDS)
    assert replace(entered, at=known.at) == known
    for name in ("scored.json", "labelled.json"):
        shutil.copy(SELECTION / name, tmp_path)
    manifest = json.loads((SELECTION / "to_label.json").read_text())
    write_json(tmp_path / "to_label.json", {**manifest, "images": {}, "content_sha256": content_sha256({})})
    assert enter_selection(tmp_path / "none", tmp_path) is None and not (tmp_path / "none").exists()


def test_a_damaged_ledger_stops_trace_and_select_before_its_work(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    (record,) = ROUNDS.iterdir()
    record.write_text(record.read_text().replace('"rank": 0', '"rank": 1'))
    changed = record.read_bytes()
    with pytest.raises(InputError, match=rf"{record} was changed after it was written; bring it back from git"):
        traced("000001.png")
    with pytest.raises(InputError, match="was changed"):
        select(
            PARAMS, student=Path("nowhere"), candidates=Path("nowhere"), labelled=Path("nowhere"), val=Path("nowhere"),
            out=SELECTION, report=Path("reports/select"), rounds=ROUNDS,
        )  # fmt: skip
    assert record.read_bytes() == changed


def test_a_project_without_results_says_what_is_unknown(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copy(repository / name, tmp_path)
    with pytest.raises(InputError, match=r"no picture 'a\.png'.*among 0 pictures"):
        traced("a.png")
    write_set(INGEST / "train.json", [0], "studio.mp4", seed=2)
    text, _ = traced("0000.png")
    for line in ("mix       unknown", "pseudo    unknown", "unknown of teacher", "the film's file is unknown here"):
        assert line in text
    with pytest.raises(InputError, match=r"nowhere\.yaml cannot be read: expected a dvc\.yaml"):
        run("a.png", pipeline=Path("nowhere.yaml"))
