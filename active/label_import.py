"""Command `label-import`: what people labelled, compared with what the model had put there, checked, and kept.

Order: `run` opens the tool's file (`labelling/tool_file.py`), reads the answers (`labelling/answers.py`), measures what
was touched (`labelling/untouched.py`) and how well gold frames were labelled (`labelling/gold.py`), and keeps the rest
(`labelling/label_file.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from dataengine.evaluation.ap.protocol import COCO, OksProtocol
from dataengine.evaluation.own_sigmas import load_protocol
from dataengine.files import sha256_file
from dataengine.labels.kept_pictures import PICTURES
from dataengine.labels.label_file import LabelFile
from dataengine.leakage.leaks import refuse_held_out
from dataengine.params import load_section
from dataengine.terminal.folders import folder_option, out_folder_option
from dataengine.terminal.options import PARAMS_FILE, HeldOut, ParamsFile
from dataengine.terminal.speech import say

from .labelling.answers import once, tool_answers
from .labelling.gold import on_gold
from .labelling.label_file import keep_labels
from .labelling.returned import Returned
from .labelling.sent import Sent, read_sent, sent_path
from .labelling.told import in_words, nothing_left, was_labelled
from .labelling.tool_file import TOOLS, opened
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
    returned: Returned
    """What came back and was not used."""


def command(
    labels: Annotated[
        Path,
        typer.Option(help="What the tool exported: COCO JSON, CVAT's XML, Label Studio's JSON; or a zip."),
    ],
    out: Annotated[Path, out_folder_option(help="Folder that collects imported labels.")],
    sent: Annotated[
        Path | None, typer.Option(help="Record that label-export wrote, if not next to LABELS as *.sent.json.")
    ] = None,
    format_name: Annotated[
        str, typer.Option("--format", help=f"{' | '.join(TOOLS)}; by default known by the content.")
    ] = "",
    images: Annotated[
        Path | None, folder_option(help="Folder of the images, if the tool renamed them or you have others.")
    ] = None,
    annotator: Annotated[str, typer.Option(help="Who labelled what LABELS gives no annotator for.")] = "",
    empty_is_nobody: Annotated[
        bool, typer.Option("--empty-is-nobody", help="An image without people shows nobody, as if it said so.")
    ] = False,
    held_out: HeldOut = None,
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Check what people labelled and add it to the store OUT: OUT/<hash>.json, a COCO keypoints file, and its pictures.

    Needs the record and the pictures that label-export wrote, and what the tool exported: COCO JSON, CVAT for images
    1.1, or a zip with one of them. Images are known by their content; those that were not sent, are of another round,
    or were encoded again are listed and not used. Joints are taken by name and must lie in the image. An image entry
    with "nobody": true (in CVAT the tag nobody) is an answer, too: nobody is there. Joints that lie where the model had
    put them are counted for each annotator (key or attribute "annotator"); section `label-import` of params.yaml says
    what happens to the labels of those who touched next to nothing. Gold frames are compared with their truth and not
    kept. Whoever is labelled twice counts once. With --held-out, a picture of validation or test among those to keep is
    refused.

    The store only grows. Of several imports about one image the latest counts; an earlier one stays, and a line says
    by whom and when it was made. The images count as labelled from now on: none of them is asked for again. Add the
    file to mix.labels in params.yaml, and the next `dvc repro` learns from it.

    Example: dataengine label-import --labels labelled.json --sent round_1.sent.json --out data/labels --annotator anna --held-out data/ingest/held_out.json
    """  # noqa: E501  an example is one line to copy
    section = load_section(params, SECTION, LabelImportParams)
    done = run(
        section,
        labels=labels,
        sent=sent or sent_path(labels),
        out=out,
        format_name=format_name,
        images=images,
        annotator=annotator,
        empty_is_nobody=empty_is_nobody,
        held_out=held_out,
        protocol=load_protocol(params),
    )
    for name, sums in done.annotators.items():
        say(in_words(name, sums))
    for line in done.returned.lines():
        say(line)
    say(f"{done.people} people and {done.nobody} images without anybody; {done.unanswered} images were not answered")
    for earlier, count in done.superseded:
        say(was_labelled(earlier, count))
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
    format_name: str = "",
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
    copies = Path(next(iter(record.images.path.tolist()), sent)).parent
    with opened(labels, copies, format_name=format_name, images=images) as file:
        answers, returned = tool_answers(file, record, sent, annotator=annotator, empty_is_nobody=empty_is_nobody)
    measured = measure(answers, record, params.moved_px)
    kept, verdicts = apply_policy(answers, measured, params)
    annotators = by_annotator(measured.efforts)
    for name, sums in annotators.items():
        sums["verdict"] = verdicts.get(name, "kept")
        gold = on_gold(answers, record, name, protocol)
        sums |= {"gold": gold} if gold else {}
    kept, returned = once(kept.take(kept.sha256 - record.gold_sha256), returned, record)
    if not kept.sha256:
        raise nothing_left(labels, answers, record, returned)
    # not earlier: the truth of gold frames may be that of validation
    refuse_held_out(held_out, record.images.take(np.isin(record.sha256, sorted(kept.sha256))), labels)
    efforts = [asdict(effort) for effort in measured.efforts]
    info = {"params": asdict(params), "annotators": annotators, "efforts": efforts, "returned": returned.as_json()}
    added = keep_labels(out, kept, record, origin=_origin(labels, sent, record), info=info)
    return Imported(
        path=added.path,
        people=len(kept.people),
        nobody=len(kept.nobody),
        unanswered=len(set(record.sha256.tolist()) - record.gold_sha256 - kept.sha256),
        is_new=added.is_new,
        superseded=added.superseded,
        annotators=annotators,
        returned=returned,
    )


def _origin(labels: Path, sent: Path, record: Sent) -> dict[str, str]:
    """From what labels are imported: the tool's file, the record of what went out, and the selection behind it."""
    file_sha256 = {"file_sha256": sha256_file(labels)} if labels.is_file() else {}
    chosen = {"selection_sha256": record.selection_sha256} if record.selection_sha256 else {}
    return {"file": labels.name, **file_sha256, "sent": sent.name, "sent_sha256": sha256_file(sent), **chosen}
