"""Command `check`: the quality report of labelled sets, without making a training set of them."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from dataengine.errors import ParamsError
from dataengine.evaluation.ap.protocol import COCO, OksProtocol
from dataengine.evaluation.own_sigmas import load_protocol
from dataengine.format_table import FORMATS, format_named
from dataengine.formats.reading.content import Limits, ReaderNotes
from dataengine.labels.label_file import is_label_file, read_label_file
from dataengine.mistakes.suspects import read_suspects
from dataengine.params import load_section
from dataengine.people import Images, People
from dataengine.terminal.folders import folder_option, out_folder_option
from dataengine.terminal.options import PARAMS_FILE, ParamsFile
from dataengine.terminal.speech import answer

from .checks.checking import check_set
from .checks.params import ChecksParams
from .ingest import IngestParams
from .mistakes.findings import with_mistakes
from .quality.intake import record_findings
from .quality.report import write_quality, write_suspects
from .quality.summary import Quality, summarise

QUARANTINED_SHOWN = 3


def command(
    annotations: Annotated[list[Path], typer.Option(help="Annotation file or folder; repeat it for each split.")],
    images: Annotated[list[Path], folder_option(help="Folder of the images: one for all, or one per --annotations.")],
    out: Annotated[Path, out_folder_option(help="Folder for quality.html, quality.json, suspects.jpg.")],
    source_format: Annotated[str, typer.Option("--format", help=f"Format to read: {' | '.join(FORMATS)}.")] = "coco",
    models: Annotated[
        Path | None,
        folder_option(help="Folder of the BlazePose models (data/fetch/mediapipe), to judge left and right, too."),
    ] = None,
    photographs: Annotated[
        bool, typer.Option(help="Show photographs in suspects.jpg, or only labels, which may be published.")
    ] = True,
    mistakes: Annotated[Path | None, typer.Option(help="mistakes.json of find-mistakes, to rank in the page.")] = None,
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Check a labelled set and show what is wrong with it.

    Every picture and person is checked, identical records are merged, near-duplicate pictures are found, and people
    whose limbs or sides look wrong are listed with pictures. Your files are left as they are. Each file counts as one
    split, named after the file, and near duplicates across splits are reported as such.

    Prints the counts and writes OUT/quality.html to read, OUT/quality.json with every finding, and OUT/suspects.jpg
    with the worst suspects. What counts as suspect is set in the section ingest.checks of params.yaml.

    Example: dataengine check --annotations mine/people.json --images mine/images --out /tmp/quality
    """
    checks = replace(load_section(params, "ingest", IngestParams).checks, teacher=models is not None)
    quality = run(
        checks,
        annotations=annotations,
        images=images,
        out=out,
        source_format=source_format,
        models=models,
        photographs=photographs,
        protocol=load_protocol(params),
        mistakes=mistakes,
    )
    answer(_summary(quality, out))


def run(
    checks: ChecksParams,
    *,
    annotations: list[Path],
    images: list[Path],
    out: Path,
    source_format: str = "coco",
    models: Path | None = None,
    photographs: bool = True,
    protocol: OksProtocol = COCO,
    mistakes: Path | None = None,
) -> Quality:
    """Write quality.html, quality.json and a sheet of the worst suspects to `out`.

    A file of label-import must be as it was imported, and its pictures those that were labelled: else an `InputError`.
    """
    if len(images) not in (1, len(annotations)):
        raise ParamsError("--images", expected="one folder, or one for each --annotations", got=str(len(images)))
    for path in annotations:
        if is_label_file(path):
            read_label_file(path).check_pictures()
    folders = images * len(annotations) if len(images) == 1 else images
    read = format_named(source_format).read
    contents = [read(path, folder, Limits()) for path, folder in zip(annotations, folders, strict=True)]
    # ids start again in each file
    shifts = np.cumsum([0, *(int(content.images.id.max(initial=0)) + 1 for content in contents)])
    tables = [c.images.replace(id=c.images.id + shift) for c, shift in zip(contents, shifts[:-1], strict=True)]
    people = [
        c.people.replace(image_id=c.people.image_id + shift) for c, shift in zip(contents, shifts[:-1], strict=True)
    ]
    names = _split_names(annotations)
    splits = dict((identity, name) for table, name in zip(tables, names, strict=True) for identity in table.id.tolist())
    checked = check_set(
        People.concat(people),
        Images.concat(tables),
        checks,
        bad=[finding for content in contents for finding in record_findings(content.bad)],
        notes=ReaderNotes.added_up(content.notes for content in contents),
        models=models,
        protocol=protocol,
    )
    if mistakes is not None:
        checked = with_mistakes(checked, read_suspects(mistakes))
    split = np.array([splits[identity] for identity in checked.images.id.tolist()], dtype=str)
    quality = summarise(checked, split, info={"annotations": ", ".join(map(str, annotations))})
    write_quality(out, quality)
    write_suspects(out / "suspects.jpg", quality, photographs=photographs)
    return quality


def _split_names(annotations: Sequence[Path]) -> list[str]:
    """A name for each file: its own, with as many folders before it as tell it from the others."""
    parts = [path.absolute().with_suffix("").parts for path in annotations]
    names = ["/".join(part[-1:]) for part in parts]
    for length in range(2, max(map(len, parts)) + 1):
        names = [
            "/".join(part[-length:]) if names.count(name) > 1 else name for part, name in zip(parts, names, strict=True)
        ]
    return names


def _summary(quality: Quality, out: Path) -> str:
    counts = quality.counts
    quarantine = [finding for finding in quality.findings if finding.severity == "quarantine"]
    bad = f"{counts.quarantined} quarantined, {counts.merged} merged"
    return "\n".join(
        [
            f"{counts.records_in} records: {counts.kept} kept, {bad}, {counts.passed_over} passed over",
            *quality.checked.notes.lines(),
            *(f"pictures {words}: {count}" for words, count in quality.checked.treated.items()),
            *(f"quarantined: {bad.file}: {bad.table} {bad.id}: {bad.reason}" for bad in quarantine[:QUARANTINED_SHOWN]),
            f"report: {out / 'quality.html'}",
        ]
    )
