"""Command check: the quality report of labelled sets as they are, without making a training set of them."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from dataengine.errors import ParamsError
from dataengine.params import load_section
from dataengine.people import Images, People

from .checks.checking import check_set
from .checks.params import ChecksParams
from .formats.content import Limits
from .formats.table import FORMATS, format_named
from .ingest import IngestParams
from .quality.intake import record_findings
from .quality.report import write_quality, write_suspects
from .quality.summary import Quality, summarise

SUSPECTS_SHOWN = 3


def command(
    annotations: Annotated[
        list[Path], typer.Option(help="Labels, in a format that ingest reads; repeat for each split.")
    ],
    images: Annotated[list[Path], typer.Option(help="Folder of its images; one for all, or one for each file.")],
    out: Annotated[Path, typer.Option(help="Folder for quality.html, quality.json, suspects.jpg.")],
    source_format: Annotated[str, typer.Option("--format", help="Of the annotations: " + ", ".join(FORMATS))] = "coco",
    models: Annotated[Path | None, typer.Option(help="Folder of BlazePose: lets it judge left and right, too.")] = None,
    photographs: Annotated[bool, typer.Option(help="In suspects.jpg; without, labels alone, fit to publish.")] = True,
    params: Annotated[Path, typer.Option(help="Parameter file; ingest.checks is read.")] = Path("params.yaml"),
) -> None:
    """Check a labelled set and show what is wrong with it.

    Every picture and person is checked, identical records are merged, near-duplicate pictures are found, and people
    whose limbs or sides look wrong are listed with pictures. Nothing is changed. With several files each is taken as a
    split of its own name, and near duplicates across them are told apart.

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
    )
    _say(quality, out)


def run(
    checks: ChecksParams,
    *,
    annotations: list[Path],
    images: list[Path],
    out: Path,
    source_format: str = "coco",
    models: Path | None = None,
    photographs: bool = True,
) -> Quality:
    """Write quality.html, quality.json and a sheet of the gravest suspects to `out`."""
    if len(images) not in (1, len(annotations)):
        raise ParamsError("--images", expected="one folder, or one for each --annotations", got=str(len(images)))
    folders = images * len(annotations) if len(images) == 1 else images
    read = format_named(source_format).read
    contents = [read(path, folder, Limits()) for path, folder in zip(annotations, folders, strict=True)]
    # ids count anew in each file
    shifts = np.cumsum([0, *(int(content.images.id.max(initial=0)) + 1 for content in contents)])
    tables = [c.images.replace(id=c.images.id + shift) for c, shift in zip(contents, shifts[:-1], strict=True)]
    people = [
        c.people.replace(image_id=c.people.image_id + shift) for c, shift in zip(contents, shifts[:-1], strict=True)
    ]
    splits = dict(
        (identity, path.stem) for table, path in zip(tables, annotations, strict=True) for identity in table.id.tolist()
    )
    checked = check_set(
        People.concat(people),
        Images.concat(tables),
        checks,
        bad=[finding for content in contents for finding in record_findings(content.bad)],
        without_labels=sum(content.without_labels for content in contents),
        models=models,
    )
    split = np.array([splits[identity] for identity in checked.images.id.tolist()], dtype=str)
    quality = summarise(checked, split, info={"annotations": ", ".join(map(str, annotations))})
    write_quality(out, quality)
    write_suspects(out / "suspects.jpg", quality, photographs=photographs)
    return quality


def _say(quality: Quality, out: Path) -> None:
    counts = quality.counts
    print(f"{counts.records_in} records: {counts.kept} kept, {counts.quarantined} quarantined, {counts.merged} merged")
    for finding in [f for f in quality.findings if f.severity == "quarantine"][:SUSPECTS_SHOWN]:
        print(f"quarantined: {finding.file}: {finding.table} {finding.id}: {finding.reason}")
    print(f"report: {out / 'quality.html'}")
