"""Stage `select`: what a person should label next.

`run` reads the candidates and the labelled set (`reading.py`), runs the student on both and scores every
candidate (`scoring.py`), picks images by a query strategy (`picking.py`), writes the manifest with its evidence
(`manifest/`) and then, if asked, builds the FiftyOne view of it (`curation/`).

A person labels whole images, so an image is as wanted as its least certain person.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from dataengine.dvc_cache.temporary_copy import in_temporary_copy
from dataengine.errors import ParamsError
from dataengine.evaluation.ap.protocol import COCO, OksProtocol
from dataengine.evaluation.own_sigmas import load_protocol
from dataengine.files import fresh_folder, sha256_file, write_json
from dataengine.labels.label_store import read_store
from dataengine.leakage.leaks import refuse_held_out
from dataengine.mistakes.suspects import read_suspects
from dataengine.nets.checkpoint import WEIGHTS_NAME
from dataengine.params import load_section
from dataengine.poses.training_poses import read_training_poses
from dataengine.terminal.options import PARAMS_FILE, ParamsFile
from dataengine.terminal.speech import say

from .manifest.evidence import manifest_entries, write_sheet
from .manifest.files import LABELLED, MANIFEST, SCORED, SHEET, write_selection
from .query.picking import candidate_images, pick_images, selection_metrics
from .query.reading import read_labelled, read_unlabelled, with_mistakes
from .query.scoring import embed, look, scored_people, with_student
from .query.strategies import STRATEGIES

SECTION = "select"


@dataclass(frozen=True)
class ScoreWeights:
    """How much each uncertainty counts; 0 leaves it out."""

    spread: float = 1.0
    """Width of the student's predicted distributions."""
    entropy: float = 1.0
    """Entropy of the student's predicted distributions."""
    flip: float = 1.0
    """Distance between the student's answers to an image and to its mirror image."""
    teacher: float = 1.0
    """1 - OKS between student and teacher."""
    rarity: float = 0.0
    """How far the pose is from the training people's. Above 0, rare poses are picked even where the student is sure."""

    def __post_init__(self) -> None:
        values = list(asdict(self).values())
        if min(values) < 0 or sum(values) == 0:
            raise ParamsError("weights", expected="none below 0, not all 0", got=str(values))


@dataclass(frozen=True)
class SelectParams:
    """Section `select` of params.yaml."""

    budget: int
    """Images to ask a person about."""
    strategy: str
    """A name in `active/query/strategies.py`."""
    min_gap_frames: int
    """Least distance in frames between two picks of one video: neighbouring frames are nearly the same. As near to a
    labelled frame that looks the same, a frame is not picked either."""
    appearance_weight: float
    """Share of appearance, against pose, in the distance between people, 0 to 1."""
    seed: int
    """Seed of the strategies that draw at random."""
    fiftyone: bool
    """Whether to build the FiftyOne dataset. The manifest is written either way."""
    dataset: str
    """Name of the dataset in FiftyOne."""
    weights: ScoreWeights = field(default_factory=ScoreWeights)
    """How the uncertainties are combined."""

    def __post_init__(self) -> None:
        if self.strategy not in STRATEGIES:
            raise ParamsError("strategy", expected=" | ".join(STRATEGIES), got=repr(self.strategy))
        if self.budget < 1:
            raise ParamsError("budget", expected="at least 1 image", got=str(self.budget))
        if not 0 <= self.appearance_weight <= 1:
            raise ParamsError("appearance_weight", expected="0 to 1", got=str(self.appearance_weight))


def command(
    student: Annotated[Path, typer.Option(help="Folder of the student's checkpoint.")],
    candidates: Annotated[Path, typer.Option(help="COCO JSON of people found in unlabelled frames.")],
    labelled: Annotated[Path, typer.Option(help="COCO JSON of the training people; rendered ones in it do not count.")],
    val: Annotated[Path, typer.Option(help="COCO JSON of the validation set.")],
    out: Annotated[Path, typer.Option(help="Folder for the manifest, the scores and the sheet of picks.")],
    report: Annotated[Path, typer.Option(help="Folder for metrics.json.")],
    labels: Annotated[
        Path | None, typer.Option(help="Folder of label-import: images labelled in any round are not asked for again.")
    ] = None,
    balance: Annotated[
        Path | None,
        typer.Option(help="Folder that balance wrote. Without it rarity is unknown, and its weight must be 0."),
    ] = None,
    held_out: Annotated[
        Path | None, typer.Option(help="held_out.json of ingest: pictures of validation and test are refused.")
    ] = None,
    mistakes: Annotated[
        Path | None, typer.Option(help="mistakes.json of find-mistakes, to show the likely ones in FiftyOne.")
    ] = None,
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Choose the images whose labels would teach the student most, and show them in FiftyOne.

    Needs a fitted student, candidates that pseudo-label found, and the labelled sets. Writes OUT/to_label.json (what to
    label and why), OUT/scored.json (every candidate), OUT/labelled.json, OUT/picks.jpg, REPORT/metrics.json and, with
    select.fiftyone, a FiftyOne dataset with the saved view to_label; `dataengine app` opens it.

    Images of the labelled sets, and of the label store --labels, are not asked for again, at whatever size they were
    decoded.

    select.budget is the number of images, select.strategy the way to choose them, select.weights how much each
    uncertainty counts. With weights.rarity above 0, poses far from all of the training set are preferred, which takes
    --balance; without it nothing else changes, but OUT/scored.json has no rarity. With --mistakes the dataset has the
    saved view likely_mistakes of labelled images, the likeliest first.

    Example: dataengine select --student models/fit-student --candidates data/pseudo-label/candidates.json --labelled data/mix/train.json --val data/ingest/val.json --labels data/labels --balance data/balance --held-out data/ingest/held_out.json --out data/select --report reports/select
    """  # noqa: E501  an example is one line to copy
    run(
        load_section(params, SECTION, SelectParams),
        protocol=load_protocol(params),
        student=student,
        candidates=candidates,
        labelled=labelled,
        val=val,
        out=out,
        report=report,
        labels=labels,
        balance=balance,
        held_out=held_out,
        mistakes=mistakes,
    )


def run(
    params: SelectParams,
    *,
    student: Path,
    candidates: Path,
    labelled: Path,
    val: Path,
    out: Path,
    report: Path,
    labels: Path | None = None,
    balance: Path | None = None,
    held_out: Path | None = None,
    protocol: OksProtocol = COCO,
    mistakes: Path | None = None,
) -> None:
    """Select, write, and build the FiftyOne view last: what the database does costs no selection.

    Where nobody is unlabelled, nothing is picked, and a line says so.

    Raises:
        InputError: an input is damaged, or a candidate or training picture is one that the file `held_out` names.
        ParamsError: rarity has a weight, and no folder of balance is given.
    """
    if params.weights.rarity and balance is None:
        fix = "give --balance, or set it to 0"
        raise ParamsError("params select.weights.rarity needs the training set's poses", fix=fix)
    poses = None if balance is None else read_training_poses(balance)
    known = read_labelled({"train": labelled, "val": val}, read_store(labels) if labels else [])
    if mistakes is not None:
        known = with_mistakes(known, read_suspects(mistakes))
    truth, truth_images = known.people, known.images
    people, images = read_unlabelled(candidates, known.answered, params.min_gap_frames)
    refuse_held_out(held_out, images, candidates)
    training = np.unique(truth_images.rows_of(truth.image_id[truth.extras["split"] == "train"]))
    refuse_held_out(held_out, truth_images.take(training), labelled)
    seen, seen_truth = look(student, people, images), look(student, truth, truth_images)
    weights = asdict(params.weights)
    scored = scored_people(seen, people, weights, poses, protocol)
    embeddings, covered = embed([(seen, people), (seen_truth, truth)], params.appearance_weight)
    choice = candidate_images(scored, images)
    query = {name: getattr(params, name) for name in ("strategy", "budget", "min_gap_frames", "seed")}
    picked = pick_images(choice, images, embeddings, covered, **query)
    header = {**query, "student_sha256": sha256_file(student / WEIGHTS_NAME)}
    with fresh_folder(out) as folder:
        answered = with_student(truth, truth_images, seen_truth, protocol)
        tables = {SCORED: (scored, images), LABELLED: (answered, truth_images)}
        entries = manifest_entries(choice, picked, scored, images, weights=weights, folder=out)
        write_selection(folder, header, entries, tables)
        write_sheet(folder / SHEET, choice, picked, scored, images)
    write_json(report / "metrics.json", selection_metrics(choice, picked, images, embeddings, covered))
    say(f"select: {len(picked)} of {len(choice.score)} images to label, in {out / MANIFEST}")
    if not len(picked):
        say(f"select: {candidates} has nobody in an image without labels; add video to the pool, or loosen the filters")
    if params.fiftyone:
        show(out, params.dataset)


def show(out: Path, dataset_name: str) -> None:
    """Build the FiftyOne view of the selection in `out`. Where that fails, a line says why, and the run goes on."""
    if in_temporary_copy(Path.cwd()):
        say("select: no FiftyOne view of a temporary copy, which DVC removes with its pictures")
        return
    try:
        from .curation.fiftyone_view import ensure_dataset  # takes seconds to import

        dataset = ensure_dataset(out, dataset_name)
    except Exception as fault:  # of a database, a driver, a library, or of another select: none is worth a run
        reason = " ".join(str(fault).split()) or type(fault).__name__
        say(f"select: the picks are whole, but FiftyOne does not show them: {reason}. Try: dataengine app")
        return
    say(f"select: {len(dataset)} samples in FiftyOne dataset {dataset.name!r}; open: dataengine app")
