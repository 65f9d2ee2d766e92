"""Command `label-import`: what people labelled, compared with what the model had put there, checked, and kept.

Order: `run` reads the answers (`labelling/answers.py`), measures what was touched (`labelling/untouched.py`) and how
well gold frames were labelled (`labelling/gold.py`), and keeps the rest (`labelling/label_file.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from dataengine.errors import InputError
from dataengine.evaluation.ap.protocol import COCO, OksProtocol
from dataengine.evaluation.own_sigmas import load_protocol
from dataengine.files import sha256_file
from dataengine.labels.kept_pictures import PICTURES
from dataengine.labels.label_file import LabelFile
from dataengine.leakage.leaks import refuse_held_out
from dataengine.params import load_section
from dataengine.people import People
from dataengine.terminal.options import PARAMS_FILE, ParamsFile
from dataengine.terminal.speech import say

from .labelling.answers import AnnotatorAnswers, coco_answers
from .labelling.gold import PCK_FRACTION, agreement
from .labelling.label_file import check_people, keep_labels
from .labelling.sent import Sent, read_sent, sent_path
from .labelling.untouched import LabelImportParams, apply_policy, by_annotator, measure

SECTION = "label-import"


@dataclass(frozen=True)
class Imported:
    """What an import kept."""

    path: Path
    people: int
    nobody: int
    """Pictures confirmed to show nobody."""
    unanswered: int
    """Pictures that were sent, and not answered or left out: select may ask for them again."""
    is_new: bool
    """False where the store had the very same labels, and they count."""
    superseded: Sequence[tuple[LabelFile, int]]
    """Earlier imports about some of these pictures, and how many of them: they stay, and count no more."""
    annotators: Mapping[str, Mapping[str, Any]]
    """By name: joints by what became of them, `untouched_share`, `verdict`, and `gold`, see `gold.agreement`."""


def command(
    labels: Annotated[Path, typer.Option(help="COCO person_keypoints JSON with the corrected labels.")],
    out: Annotated[Path, typer.Option(help="Folder that collects imported labels.")],
    sent: Annotated[
        Path | None, typer.Option(help="Record that label-export wrote, if not next to LABELS as *.sent.json.")
    ] = None,
    images: Annotated[Path | None, typer.Option(help="Folder of the images, if not where LABELS says.")] = None,
    annotator: Annotated[str, typer.Option(help="Who labelled what LABELS gives no annotator for.")] = "",
    empty_is_nobody: Annotated[
        bool, typer.Option("--empty-is-nobody", help="An image without people shows nobody, as if it said so.")
    ] = False,
    held_out: Annotated[
        Path | None, typer.Option(help="held_out.json of ingest: pictures of validation and test are refused.")
    ] = None,
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Check what people labelled and add it to the store OUT: OUT/<hash>.json, a COCO keypoints file, and its pictures.

    Needs the record and the pictures that label-export wrote. Every image must be one that was sent; a person needs a
    labelled joint, and joints must lie in the image. An image entry with "nobody": true is an answer, too: nobody is
    there. Joints that lie where the model had put them are counted for each annotator (key "annotator" of an annotation
    or image); section `label-import` of params.yaml says what happens to the labels of those who touched next to
    nothing. Gold frames are compared with their truth and not kept. With --held-out, a picture of validation or test
    among those to keep is refused.

    The store only grows. Of several imports about one image the latest counts; an earlier one stays, and a line says
    by whom and when it was made. The images count as labelled from now on: none of them is asked for again. Add the
    file to mix.labels in params.yaml, and the next `dvc repro` learns from it.

    Example: dataengine label-import --labels labelled.json --sent to_label_coco.sent.json --out data/labels --annotator anna --held-out data/ingest/held_out.json
    """  # noqa: E501  an example is one line to copy
    section = load_section(params, SECTION, LabelImportParams)
    done = run(
        section,
        labels=labels,
        sent=sent or sent_path(labels),
        out=out,
        images=images,
        annotator=annotator,
        empty_is_nobody=empty_is_nobody,
        held_out=held_out,
        protocol=load_protocol(params),
    )
    for name, sums in done.annotators.items():
        say(_in_words(name, sums))
    say(f"{done.people} people and {done.nobody} images without anybody; {done.unanswered} images were not answered")
    for earlier, count in done.superseded:
        say(_was_labelled(earlier, count))
    if not done.is_new:
        say(f"{done.path} holds these very labels already; nothing was written")
    say(f"{done.path}; to learn from it, add the file to mix.labels in params.yaml")
    say(f"to keep it: dvc add {out / PICTURES} && git add {done.path} {out / PICTURES}.dvc, commit, dvc push")


def run(
    params: LabelImportParams,
    *,
    labels: Path,
    sent: Path,
    out: Path,
    images: Path | None = None,
    annotator: str = "",
    empty_is_nobody: bool = False,
    held_out: Path | None = None,
    protocol: OksProtocol = COCO,
) -> Imported:
    """Import `labels` and add them to the store.

    Raises:
        InputError: a record is wrong, an image was not sent or its copy is gone, nothing is left to keep, an annotator
            touched too little and `params` refuse that, or an image to keep is one that `held_out` names.
    """
    record = read_sent(sent)
    answers = coco_answers(labels, record, images=images, annotator=annotator, empty_is_nobody=empty_is_nobody)
    check_people(answers.people, record.images, labels)
    measured = measure(answers, record, params.moved_px)
    kept, verdicts = apply_policy(answers, measured, params)
    annotators = by_annotator(measured.efforts)
    for name, sums in annotators.items():
        sums["verdict"] = verdicts.get(name, "kept")
        gold = _on_gold(answers, record, name, protocol)
        sums |= {"gold": gold} if gold else {}
    kept = kept.take(kept.sha256 - record.gold_sha256)
    if not kept.sha256:
        raise _nothing_left(labels, answers, record)
    # not earlier: the truth of gold frames may be that of validation
    refuse_held_out(held_out, record.images.take(np.isin(record.sha256, sorted(kept.sha256))), labels)
    info = {"params": asdict(params), "annotators": annotators, "efforts": [asdict(e) for e in measured.efforts]}
    added = keep_labels(out, kept, record, origin=_origin(labels, sent, record), info=info)
    return Imported(
        path=added.path,
        people=len(kept.people),
        nobody=len(kept.nobody),
        unanswered=len(set(record.sha256.tolist()) - record.gold_sha256 - kept.sha256),
        is_new=added.is_new,
        superseded=added.superseded,
        annotators=annotators,
    )


def _origin(labels: Path, sent: Path, record: Sent) -> dict[str, str]:
    """From what labels are imported: the tool's file, the record of what went out, and the selection behind it."""
    file_sha256 = {"file_sha256": sha256_file(labels)} if labels.is_file() else {}
    chosen = {"selection_sha256": record.selection_sha256} if record.selection_sha256 else {}
    return {"file": labels.name, **file_sha256, "sent": sent.name, "sent_sha256": sha256_file(sent), **chosen}


def _was_labelled(earlier: LabelFile, count: int) -> str:
    """One line about an earlier import of the same pictures."""
    by = ", ".join(earlier.annotators)
    return (
        f"{count} images were labelled before, by {by} ({earlier.path}, {earlier.at}): these labels count from now on"
    )


def _on_gold(answers: AnnotatorAnswers, sent: Sent, annotator: str, protocol: OksProtocol) -> dict[str, Any]:
    """How well the annotator's answers about gold frames, and the model's guess, agree with the truth; {} without."""
    people = answers.people
    mine = people.take(people.extras["annotator"] == annotator)
    empty = {key for key, name in answers.nobody.items() if name == annotator}
    pictures = (frozenset(mine.extras["sha256"].tolist()) | empty) & sent.gold_sha256
    if not pictures:
        return {}
    truth = _in_pictures(sent.gold, pictures)
    guess = agreement(truth, _in_pictures(sent.prelabels, pictures), protocol)
    figures = {**agreement(truth, mine, protocol), "prelabel_oks": guess["oks"]}
    return {"pictures": len(pictures), **figures, "oks_sigmas": protocol.sigmas_name}


def _in_pictures(people: People, sha256: frozenset[str]) -> People:
    return people.take(np.isin(people.extras["sha256"], sorted(sha256)))


def _nothing_left(labels: Path, answers: AnnotatorAnswers, sent: Sent) -> InputError:
    if not answers.sha256:
        fix = "label somebody; for images without people give --empty-is-nobody, or say nobody: true in their entries"
        return InputError(
            f"{labels} labels nobody", expected="at least one person, or a confirmed empty image", fix=fix
        )
    if answers.sha256 <= sent.gold_sha256:
        return InputError(f"{labels} answers gold frames alone", expected="labels to keep", got="none")
    return InputError(f"{labels} has no image in which a joint was touched", fix="correct the labels")


def _in_words(name: str, sums: Mapping[str, Any]) -> str:
    """One line about an annotator."""
    changes = ", ".join(f"{sums[key]} {key}" for key in ("moved", "added", "removed"))
    line = (
        f"{name}: {sums['pictures']} images, {sums['people']} people; joints: {sums['untouched']} untouched, {changes}"
    )
    line += f" ({sums['untouched_share']:.0%} untouched: {sums['verdict']})"
    gold = sums.get("gold")
    if not gold:
        return line
    return (
        f"{line}; on {gold['pictures']} gold frames OKS {gold['oks']:.3f}, PCK@{PCK_FRACTION:g} {gold['pck']:.3f},"
        f" {gold['missed']} of {gold['people']} people missed (the model's guess: OKS {gold['prelabel_oks']:.3f})"
    )
