"""Command `convert`: a labelled set from one format to another, and an account of what was lost on the way."""

from pathlib import Path
from typing import Annotated, Any

import typer

from dataengine.errors import InputError
from dataengine.files import fresh_folder, write_json
from dataengine.format_table import FORMATS, Format, format_named
from dataengine.formats.reading.content import Limits, SourceContent
from dataengine.formats.writing import Written, copy_images
from dataengine.terminal.folders import folder_option, out_folder_option
from dataengine.terminal.speech import answer

REPORT = "report.json"
SHOWN = 5
_READ = " | ".join(FORMATS)
_WRITTEN = " | ".join(name for name, entry in FORMATS.items() if entry.write)


def command(
    source_name: Annotated[str, typer.Option("--from", help=f"Format to read: {_READ}.")],
    images: Annotated[Path, folder_option(help="Folder that the source's image names are relative to.")],
    format_name: Annotated[str, typer.Option("--to", help=f"Format to write: {_WRITTEN}.")],
    out: Annotated[Path, out_folder_option(help="Folder to write: annotations, images/ and report.json.")],
    annotations: Annotated[
        Path | None, typer.Option(help="Annotation file or folder to read; needed by every format but `frames`.")
    ] = None,
    annotation_mb: Annotated[int, typer.Option(help="Size of the largest annotation file that is read, in MB.")] = 512,
) -> None:
    """Convert labelled people between formats, with their images.

    Every record is checked by itself: bad ones are listed in OUT/report.json with their reason and do not stop the
    others. Crowds, people without joints and other categories are passed over. These, labels that COCO-17 lacks (a
    neck, hands) and those that the target format lacks (occlusion, a second person) are counted there and printed.
    OUT also gets the annotations and a copy of the images.

    Example: dataengine convert --from lsp --annotations lspet/joints.mat --images lspet/images --to coco --out my-coco
    """
    source, target = format_named(source_name), format_named(format_name)
    if annotations is None and not source.unlabelled:
        raise InputError("--annotations is missing", expected=source.says)
    content = source.read(annotations or Path(), images, Limits(annotation_mb=annotation_mb))
    written = convert(content, target, format_name, images=images, out=out)
    answer(_summary(content, written, out))


def convert(content: SourceContent, target: Format, format_name: str, *, images: Path, out: Path) -> Written:
    """Write `content` in format `target` into folder `out`: annotations, a copy of `images`, and report.json."""
    if target.write is None:
        raise InputError(f"format {format_name!r} cannot be written", expected=_WRITTEN)
    _require_pictures(content)
    if out.exists() and not (out / REPORT).is_file():  # what is there would be replaced
        raise InputError(f"{out} exists", expected="a new folder, or one that convert wrote", fix="give another --out")
    with fresh_folder(out) as folder:
        table = copy_images(content.images, images, folder / "images", target.image_names)
        written = target.write(folder / target.annotations, content.people, table, folder / "images")
        write_json(folder / REPORT, report(content) | {"written": vars(written)})
    return written


def _require_pictures(content: SourceContent) -> None:
    """A set of bad records alone is not written: most likely a path is wrong, and an earlier result would be lost."""
    if content.bad and not len(content.images):
        first = content.bad[0]
        raise InputError(
            "no picture of the set can be used",
            expected="one or more",
            got=f"{len(content.bad)} bad records, the first {first.file}: {first.table} {first.id}: {first.reason}",
            fix="give the folder that the file's image names are relative to as --images",
        )


def report(content: SourceContent) -> dict[str, Any]:
    """What became of every record, and which labels of the source COCO-17 lacks."""
    return {
        "records": {
            "in": content.records,
            "people": len(content.people),
            "images": len(content.images),
            "quarantined": len(content.bad),
            "passed_over": content.notes.total,
        },
        **content.notes.as_json(),
        "dropped": {"joints": dict(content.dropped_joints), "fields": dict(content.dropped_fields)},
        "quarantine": [record.as_json() for record in content.bad],
    }


def _summary(content: SourceContent, written: Written, out: Path) -> str:
    lines = [f"quarantined: {bad.file}: {bad.table} {bad.id}: {bad.reason}" for bad in content.bad[:SHOWN]]
    lines += content.notes.lines()
    for title, counts in (
        ("dropped joints", content.dropped_joints),
        ("dropped fields", content.dropped_fields),
        ("not representable", written.lost),
    ):
        lost = ", ".join(f"{name} {count}" for name, count in counts.items() if count)
        if lost:
            lines.append(f"{title}: {lost}")
    lines.append(
        f"{content.records} records: {len(content.people)} people, {len(content.images)} images, "
        f"{len(content.bad)} quarantined, {content.notes.total} passed over"
    )
    lines.append(
        f"written: {written.people} people, {written.images} images to {out} (report.json lists what was left out)"
    )
    return "\n".join(lines)
