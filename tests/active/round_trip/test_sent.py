"""What goes out to the tool, and what may change here while people label."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dataengine.active import label_export as label_exporting
from dataengine.active.label_export import run as label_export
from dataengine.active.label_import import run as label_import
from dataengine.active.labelling.sent import pictures_path, read_sent, sent_path
from dataengine.active.manifest.files import read_selection
from dataengine.coco_json import read_people, write_people
from dataengine.columns import object_column
from dataengine.errors import InputError
from dataengine.labels.label_file import read_label_file

from ..conftest import Project
from ..selecting import OUT, select
from ..selecting import PARAMS as SELECTING
from .conftest import JOINTS, LABELS, MARK, PARAMS, TOOL, bring_back, shift_all


def test_export_is_prefilled_with_the_teacher_most_wanted_first(exported: Project) -> None:
    people, images = read_people(TOOL, root=exported.root)
    candidates, candidate_images = read_people(exported.candidates, root=exported.root)
    frames = images.frame.tolist()
    picks = read_selection(OUT).picks.values()
    assert frames == [pick["frame"] for pick in sorted(picks, key=lambda pick: pick["rank"])]
    teacher = candidates.take(candidate_images.frame[candidate_images.rows_of(candidates.image_id)] == frames[0])
    assert people.take([0, 1]).visibility.tolist() == teacher.visibility.tolist()
    assert people.keypoints_px[:2] == pytest.approx(teacher.keypoints_px, abs=1e-2)


def test_people_of_whom_no_joint_is_believed_are_left_to_be_drawn(selected: Project) -> None:
    """Their pictures go out all the same, and come back without a fault."""
    scored, images = read_people(OUT / "scored.json", root=selected.root)
    pick = next(iter(read_selection(OUT).picks))
    unseen = scored.extras["sha256"] == pick
    flags = [
        [0] * 17 if hide else value for hide, value in zip(unseen, scored.extras["teacher_visibility"], strict=True)
    ]
    write_people(OUT / "scored.json", scored.with_extra("teacher_visibility", object_column(flags)), images)
    written = label_export(selection=OUT, out=TOOL)
    assert (written.images, written.people) == (4, 6)
    assert bring_back(MARK).people == 6, "what went out comes back as it is"
    shift_all(2.0)
    done = bring_back()
    assert (done.people, done.nobody, done.unanswered) == (6, 0, 1)


def test_the_selection_may_be_made_again_while_people_are_labelling(exported: Project) -> None:
    shutil.rmtree(OUT)
    shift_all(2.0)
    assert bring_back().people == 8


def test_the_pool_may_be_made_again_while_people_are_labelling(exported: Project) -> None:
    """The very pictures that went out are kept, though other ones lie in the pool under their names by now."""
    sent = read_sent(sent_path(TOOL))
    _, pool = read_people(exported.candidates, root=exported.root)
    names = [Path(path).name for path in sent.images.path.tolist()]
    assert names == sorted(names) and [name[5:17] for name in names] == [key[:12] for key in sent.sha256.tolist()]
    for path in pool.path.tolist():
        Path(path).write_bytes(Path("real/val_images/0010.png").read_bytes())
    shift_all(3.0)
    done = bring_back()
    file = read_label_file(done.path)
    file.check_pictures()
    assert sorted(file.sha256.tolist()) == sorted(sent.sha256.tolist())
    assert {str(Path(path).parent) for path in file.images.path.tolist()} == {str(LABELS / "pictures")}
    pictures_path(TOOL).rename("kept")
    bring_back(images=Path("kept"))  # the store has them
    shutil.rmtree(LABELS)
    with pytest.raises(
        InputError, match=r"picture tool/coco\.pictures/000.*is missing: expected the one that was sent"
    ):
        bring_back(images=Path("kept"))


def test_pictures_that_changed_after_they_were_selected_do_not_go_out(selected: Project) -> None:
    _, pool = read_people(selected.candidates, root=selected.root)
    for path in pool.path.tolist():
        Path(path).write_bytes(Path("real/val_images/0010.png").read_bytes())
    with pytest.raises(InputError, match=r"has changed since it was selected; run `dataengine select` again"):
        label_export(selection=OUT, out=TOOL)
    assert not TOOL.parent.exists() or not list(TOOL.parent.iterdir())


def test_cvat_gives_back_what_went_out_to_it(with_gold: Project) -> None:
    """Pre-labels and gold frames alike; an unchanged file is refused as human truth, whatever the tool."""
    xml, pictures = Path("tool/cvat.xml"), Path("tool/cvat.pictures")
    written = label_export(selection=OUT, out=xml, format_name="cvat", gold=2, seed=3)
    assert (written.images, written.lost) == (6, {})
    assert len(list(pictures.iterdir())) == 6 and Path("tool/cvat.labels.json").is_file()
    with pytest.raises(InputError, match="where the model had put them"):
        label_import(PARAMS, labels=xml, sent=sent_path(xml), out=LABELS)
    done = label_import(MARK, labels=xml, sent=sent_path(xml), out=LABELS)
    unchanged = bring_back(MARK, annotator="unnamed")
    (by_xml,), (by_coco,) = done.annotators.values(), unchanged.annotators.values()
    assert by_xml == by_coco and by_xml["gold"]["pictures"] == 2
    with pytest.raises(InputError, match=r"--format voc is none for a tool: expected coco \| cvat"):
        label_export(selection=OUT, out=xml, format_name="voc")


def test_joints_outside_of_the_picture_do_not_go_out(selected: Project) -> None:
    """A model may believe in them; an import would refuse them, since nobody can have seen them."""
    scored, images = read_people(OUT / "scored.json", root=selected.root)
    pick = next(iter(read_selection(OUT).picks))
    places = [np.array(place) for place in scored.extras["teacher_px"].tolist()]
    row = int(np.flatnonzero(scored.extras["sha256"] == pick)[0])
    places[row][16] = [-30, 250]
    write_people(
        OUT / "scored.json", scored.with_extra("teacher_px", object_column([each.tolist() for each in places])), images
    )
    label_export(selection=OUT, out=TOOL)
    assert bring_back(MARK).annotators["unnamed"]["untouched"] == JOINTS - 1


def test_an_export_costs_nobody_a_file(selected: Project) -> None:
    """Somebody's file, somebody's pictures, and the selection itself stay."""
    mine = {Path("mine.json"): "{}", Path("tool/coco.pictures/holiday.jpg"): "mine", OUT / "notes.txt": "mine"}
    for path, text in mine.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    before = {path.name: path.read_bytes() for path in OUT.iterdir()}
    with pytest.raises(InputError, match=r"mine\.json would be replaced: expected a file of label-export"):
        label_export(selection=OUT, out=Path("mine.json"))
    with pytest.raises(InputError, match=r"coco\.pictures would be replaced: .* got holiday\.jpg"):
        label_export(selection=OUT, out=TOOL)
    for inside in (OUT / "to_label.json", OUT / "new" / "x.json"):
        with pytest.raises(InputError, match=r"--out .* lies in --selection: .* name a file outside"):
            label_export(selection=OUT, out=inside)
    assert all(path.read_text() == text for path, text in mine.items())
    assert {path.name: path.read_bytes() for path in OUT.iterdir()} == before


def test_the_record_of_another_selection_stays(exported: Project) -> None:
    """Without it, what is still being labelled of that one could not be imported."""
    record = sent_path(TOOL).read_bytes()
    label_export(selection=OUT, out=TOOL)
    assert sent_path(TOOL).read_bytes() == record, "the same selection goes out again"
    shutil.rmtree(OUT)
    select(exported, replace(SELECTING, budget=2))
    with pytest.raises(InputError, match=r"coco\.sent\.json is the record of another selection"):
        label_export(selection=OUT, out=TOOL)
    shift_all(2.0)
    assert bring_back().people == 8


@pytest.mark.parametrize("place", ["file", "record"])
def test_an_export_that_is_stopped_is_made_again(
    selected: Project, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(label_exporting, "writer", lambda _: stopped) if place == "file" else patch.setattr(
            label_exporting, "write_sent", stopped
        )
        label_export(selection=OUT, out=TOOL)
    assert not TOOL.exists()
    assert label_export(selection=OUT, out=TOOL).people == 8


@pytest.mark.parametrize("cell", [None, "a", [[1.0, 2.0]], [[0]] * 17], ids=str)
@pytest.mark.parametrize("column", ["teacher_px", "teacher_visibility", "sha256", "labelled sha256", "student_px"])
def test_a_damaged_selection_is_one_line(selected: Project, column: str, cell: object) -> None:
    path = OUT / ("labelled.json" if column in ("labelled sha256", "student_px") else "scored.json")
    people, images = read_people(path, root=selected.root)
    name = column.split()[-1]
    write_people(path, people.with_extra(name, object_column([cell] * len(people))), images)
    said = r"is not the table of|of a person is malformed|is damaged|has changed since|lack the student's joints"
    with pytest.raises(InputError, match=said):
        label_export(selection=OUT, out=TOOL, gold=1)
    assert not TOOL.exists()
