"""Command `label-export`: the picks for an annotation tool, in its format, prefilled with the model's guess.

`prelabelled` collects the picks with the teacher's keypoints; gold frames join with the student's. What went out is
recorded next to the file (`labelling/sent.py`) with copies of the pictures, for the import to compare with.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from dataengine.columns import numbers_of
from dataengine.errors import DataEngineError, InputError
from dataengine.files import read_json
from dataengine.formats.writing import Written
from dataengine.geometry.pixel_grid import within
from dataengine.keypoints import UNLABELLED
from dataengine.labelled_set import joined
from dataengine.people import JOINTS, Images, People
from dataengine.person_scale import scale_columns, with_joint_area
from dataengine.terminal.folders import folder_option, out_file_option
from dataengine.terminal.options import PARAMS_FILE, ParamsFile, seed_option
from dataengine.terminal.speech import say

from .forecast.before_labelling import forecast_line
from .labelling.for_tools import FOR_TOOLS, how_to_load, writer
from .labelling.gold import choose_gold, guesses
from .labelling.sent import SENT_SUFFIX, Sent, pictures_path, refuse_taken, sent_path, with_copied_pictures, write_sent
from .manifest.entered import enter_selection
from .manifest.files import Selection, read_selection


def command(
    selection: Annotated[Path, folder_option(help="Folder that select wrote.")],
    out: Annotated[Path, out_file_option(help="File to write for the tool.")],
    format_name: Annotated[
        str, typer.Option("--format", help=f"{' | '.join(FOR_TOOLS)}: what the tool reads.")
    ] = "coco",
    gold: Annotated[int, typer.Option(help="Frames with known truth to mix in, which show how well people label.")] = 0,
    seed: Annotated[int, seed_option(help="Of the draw of gold frames, and of their places among the others.")] = 0,
    only: Annotated[
        Path | None, typer.Option(help="JSON list of the sha256 of the picks to write; by default all of them.")
    ] = None,
    rounds: Annotated[
        Path | None, folder_option(help="Folder of the ledger of rounds, if select did not enter the selection here.")
    ] = None,
    labels: Annotated[
        Path | None,
        folder_option(
            help="Folder of label-import, whose recorded times say how long the picks take.",
            show_default="curate.labels of params.yaml",
        ),
    ] = None,
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Write the images to label as a file for an annotation tool that already holds the model's keypoints.

    Needs a folder that select wrote. OUT names copies of the images, in *.pictures/ next to it, since the pool may be
    made again meanwhile. Next to it lies what the tool's project needs first: labels for CVAT, *.labels.json, or the
    labelling config for Label Studio, *.config.xml. Correct the keypoints in the tool, then bring what it exports back
    with label-import; what its format cannot hold is said. Next to OUT lies its record, too, *.sent.json: where the
    model put each joint, and the truth of the gold frames. Keep record and copies for the import, and the record from
    the annotators.

    With --gold, labelled frames are mixed in whose truth is known, of those on which the student errs most. The import
    reports how well each annotator agrees with it, and never trains on what came back for them.

    With --rounds, the selection is entered in the ledger of rounds. The stage select does that, but not where DVC took
    its result from a cache or from an experiment.

    The last line says what the picks take and what they are likely to buy: minutes, and the AP to expect after them
    with its 80% interval, from the labels and the AP of the rounds in the registry. With fewer than two it says so.

    Example: dataengine label-export --selection data/select --out round_1.json --gold 4 --rounds data/rounds
    """
    done = run(selection=selection, out=out, format_name=format_name, gold=gold, seed=seed, only=only)
    if rounds is not None:
        enter_selection(rounds, selection)
    kept = f"keep {sent_path(out)} and {pictures_path(out)}/ for the import"
    say(f"{done.images} images ({gold} of them gold) with {done.people} people to check: {out}; {kept}")
    for line in how_to_load(format_name, out, done):
        say(line)
    if params.is_file():
        try:
            say(forecast_line(read_selection(selection), params, labels))
        except DataEngineError as fault:  # what was written is whole, whatever the registry or the params say
            say(f"label-export: no forecast: {fault}")


def run(
    *, selection: Path, out: Path, format_name: str = "coco", gold: int = 0, seed: int = 0, only: Path | None = None
) -> Written:
    """Write the file and its record; returns what was written, and what the format cannot hold.

    Raises:
        InputError: the selection is damaged, has fewer labelled frames than `gold`, or its pictures have changed; or
            `only` names a picture that was not picked; or `out` is taken, see `refuse_taken`.
    """
    if out.name.endswith(SENT_SUFFIX):
        raise InputError(f"--out {out} has the name of a record", fix="give it another name")
    write = writer(format_name)
    chosen = read_selection(selection)
    if only is not None:
        chosen = _limited(chosen, only)
    refuse_taken(out, selection, chosen.digest)
    sent = with_copied_pictures(prepared(chosen, gold, np.random.default_rng(seed)), pictures_path(out))
    write_sent(sent_path(out), sent, chosen.digest)  # first: a file without its record is taken to be somebody's
    return write(out, sent.prelabels, sent.images, pictures_path(out))


def _limited(selection: Selection, only: Path) -> Selection:
    """The selection with some of its picks."""
    keys = read_json(only)
    if not isinstance(keys, list) or not keys or not set(map(str, keys)) <= set(selection.picks):
        raise InputError(f"--only {only} does not name picks", expected="a JSON list of the sha256 of some picks")
    return replace(selection, picks={key: pick for key, pick in selection.picks.items() if key in keys})


def prepared(selection: Selection, gold: int, rng: np.random.Generator) -> Sent:
    """What goes out: the picks, most wanted first, with `gold` frames at random places among them.

    Joints that are believed to lie outside of the picture are not shown: nobody can see whether they do. People of whom
    no joint is left are left out: there is nothing to correct, they have to be drawn.
    """
    gold_rows = choose_gold(selection, gold, rng)
    truth, gold_images = _in_frames(selection.labelled, selection.labelled_images, gold_rows)
    taught = np.asarray((selection.scored.visibility > UNLABELLED).any(axis=0), dtype=np.bool_)  # see `scored_people`
    picked, picked_images = prelabelled(selection)
    guessed = guesses(truth, _sizes(truth, gold_images), taught)
    people, images = joined([(_bare(picked), picked_images), (_bare(guessed), gold_images)])
    known = _bare(truth).replace(image_id=1 + len(picked_images) + gold_images.rows_of(truth.image_id))
    hash_of = dict(zip(selection.scored_images.id.tolist(), selection.scored_sha256, strict=True))
    picked_hashes = [hash_of[key] for key in picked_images.id.tolist()]
    hashes = np.array([*picked_hashes, *(selection.labelled_sha256[row] for row in gold_rows)], dtype="<U64")
    order = _mixed(len(picked_images), len(gold_images), rng)
    return Sent(
        images=images.take(order).replace(id=1 + np.arange(len(order))),
        sha256=hashes[order],
        prelabels=_moved(_believed(people, images), order),
        gold=_moved(known, order),
    )


def _believed(people: People, images: Images) -> People:
    """People with the joints that the picture shows, if there are any."""
    seen = within(people.keypoints_px, _sizes(people, images)[:, None])
    people = people.replace(visibility=np.where(seen, people.visibility, UNLABELLED).astype(np.uint8))
    return people.take((people.visibility > UNLABELLED).any(axis=1))


def prelabelled(selection: Selection) -> tuple[People, Images]:
    """The people in the picked images with the teacher's keypoints, and these images, most wanted first."""
    picked_people = selection.scored.take(np.isin(selection.scored.extras["sha256"], list(selection.picks)))
    people = picked_people.replace(
        keypoints_px=_of_teacher(picked_people, "teacher_px", (JOINTS, 2)).astype(np.float32),
        visibility=_of_teacher(picked_people, "teacher_visibility", (JOINTS,)).astype(np.uint8),
    )
    rank = np.array([selection.picks[sha256]["rank"] for sha256 in picked_people.extras["sha256"].tolist()])
    people = with_joint_area(people.take(np.argsort(rank, kind="stable")))
    rows = selection.scored_images.rows_of(people.image_id)
    return people, selection.scored_images.take(list(dict.fromkeys(rows.tolist())))


def _of_teacher(people: People, column: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
    values = people.extras.get(column, np.full(len(people), None)).tolist()
    return np.array([numbers_of(value, shape, column) for value in values]).reshape(-1, *shape)


def _in_frames(people: People, images: Images, rows: NDArray[np.int64]) -> tuple[People, Images]:
    """The people of some images, and these images in the order of `rows`."""
    return people.take(np.isin(images.rows_of(people.image_id), rows)), images.take(rows)


def _sizes(people: People, images: Images) -> NDArray[np.int64]:
    """Width and height (n, 2) of each person's picture."""
    rows = images.rows_of(people.image_id)
    return np.stack([images.width[rows], images.height[rows]], axis=1)


def _bare(people: People) -> People:
    """Without all that would show a picked frame from a gold one: where people came from, scores, tracks."""
    return People.build(
        image_id=people.image_id,
        bbox_xywh_px=people.bbox_xywh_px,
        keypoints_px=people.keypoints_px,
        visibility=people.visibility,
        extras={"sha256": people.extras["sha256"], **scale_columns(people)},
    )


def _mixed(picked: int, gold: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Rows of the picks in their order, and at random places between them those of the gold frames, which follow."""
    is_gold = np.zeros(picked + gold, dtype=bool)
    is_gold[rng.choice(picked + gold, size=gold, replace=False)] = True
    order = np.empty(picked + gold, dtype=np.int64)
    order[~is_gold], order[is_gold] = np.arange(picked), np.arange(picked, picked + gold)
    return order


def _moved(people: People, order: NDArray[np.int64]) -> People:
    """People of images numbered from 1, after the images were put into `order` and numbered again."""
    moved = people.replace(image_id=1 + np.argsort(order)[people.image_id - 1])
    return moved.take(np.argsort(moved.image_id, kind="stable"))
