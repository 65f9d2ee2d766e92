"""Command `agreement`: how well two annotators of the same people agree, and the data's own OKS sigmas."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from dataengine.errors import InputError
from dataengine.evaluation.own_sigmas import write_sigmas
from dataengine.format_table import FORMATS, format_named
from dataengine.formats.reading.content import Limits
from dataengine.people import Images, People
from dataengine.terminal.folders import folder_option, out_folder_option
from dataengine.terminal.speech import answer, say

from .annotators.agreement import LEAST_PAIRS, AnnotatorAgreement, agreement
from .annotators.page import PAGE, own_sigmas, write_agreement
from .annotators.pairing import Pairing, pair_people

USUAL_PEOPLE = 30  # enough for intervals of about a third of sigma


def command(
    first: Annotated[Path, typer.Option(help="Annotation file or folder of one annotator.")],
    second: Annotated[Path, typer.Option(help="Annotation file or folder of the other, of the same pictures.")],
    images: Annotated[Path, folder_option(help="Folder that the image names of both are relative to.")],
    report: Annotated[Path, out_folder_option(help=f"Folder for {PAGE}.md and its plot.")],
    out: Annotated[Path, out_folder_option(help="Folder that collects files of sigmas; keep it in git.")],
    source_format: Annotated[str, typer.Option("--format", help=f"Format to read: {' | '.join(FORMATS)}.")] = "coco",
    level: Annotated[float, typer.Option(help="Confidence of the intervals.")] = 0.95,
) -> None:
    """Measure how well two annotators agree, joint by joint, and the OKS sigmas that follow.

    Let two annotators label the same thirty people or more. Pictures are matched by content, people by their boxes. The
    page shows for each joint sigma with its interval next to COCO's, the number of gross disagreements, of labels that
    only one made, and how well the visibility flags agree; and how many people have left and right exchanged.

    Sigmas below COCO's mean that your labels are better than COCO's and OKS is too kind; sigmas above, that AP
    punishes a network for your annotators' noise.

    OUT/sigmas-<hash>.json holds the sigmas. With oks.sigmas in params.yaml set to it, every stage that scores or learns
    by OKS takes them: fits, select, export, compare and the checks of labels.

    Example: dataengine agreement --first anna.json --second ben.json --images mine/images --report reports/agreement --out data/sigmas
    """  # noqa: E501  an example is one line to copy
    if not 0 < level < 1:
        raise InputError("--level is not a confidence", expected="between 0 and 1", got=f"{level:g}")
    sets = [_read(path, images, source_format) for path in (first, second)]
    paths = {"first": first, "second": second, "images": images, "report": report, "out": out}
    options: dict[str, object] = {**paths, "format": source_format, "level": level}
    line = shlex.join(["dataengine", "agreement", *(w for n, v in options.items() for w in (f"--{n}", str(v)))])
    found, pairing = run(*sets, report=report, level=level, line=line)
    answer(_summary(found, pairing, report))
    _keep_sigmas(found, pairing, level, out)


def run(
    first: tuple[People, Images], second: tuple[People, Images], *, report: Path, level: float, line: str
) -> tuple[AnnotatorAgreement, Pairing]:
    """Compare and write the page. Raises InputError where the two sets have nobody in common."""
    pairing = pair_people(first, second)
    if not pairing.pictures:
        fix = "give two label files of the same pictures; a picture that was saved again counts as another"
        raise InputError("the two sets have no picture in common", fix=fix)
    if not len(pairing.first):
        raise InputError("nobody was labelled in both sets", got=f"{pairing.pictures} shared pictures")
    if len(pairing.first) < USUAL_PEOPLE:
        say(f"only {len(pairing.first)} people were labelled twice: {USUAL_PEOPLE} or more make intervals worth having")
    found = agreement(first[0], second[0], pairing, level=level)
    write_agreement(report, found, pairing, level=level, command=line)
    return found, pairing


def _keep_sigmas(found: AnnotatorAgreement, pairing: Pairing, level: float, out: Path) -> None:
    own = own_sigmas(found, pairing, level)
    if not own.joints:
        say(f"no joint was labelled twice on {LEAST_PAIRS} people: there are no sigmas to keep")
        return
    say(f"to score and learn by these sigmas, set in params.yaml: oks.sigmas: {write_sigmas(out, own).as_posix()}")


def _read(path: Path, images: Path, source_format: str) -> tuple[People, Images]:
    content = format_named(source_format).read(path, images, Limits())
    for bad in content.bad[:3]:
        say(f"left out: {bad.file}: {bad.table} {bad.id}: {bad.reason}")
    if content.bad[3:]:
        say(f"left out: {len(content.bad)} records in all; `dataengine check` lists them")
    return content.people, content.images


def _summary(found: AnnotatorAgreement, pairing: Pairing, report: Path) -> str:
    known = {name: joint.sigma for name, joint in found.joints.items() if joint.sigma is not None}
    lines = [f"{name:15} {s.value:.3f} ({s.low:.3f} to {s.high:.3f})" for name, s in known.items()]
    head = f"{len(pairing.first)} people labelled twice, {len(found.exchanged)} with left and right exchanged"
    return "\n".join([head, *lines, f"{report / PAGE}.md"])
