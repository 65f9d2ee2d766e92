"""Command `compare-trust`: how often joints accepted at a precision are right, on people that only measure."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from dataengine.coco_json import read_project_people
from dataengine.errors import InputError
from dataengine.evaluation.ap.protocol import COCO, OksProtocol
from dataengine.evaluation.own_sigmas import load_protocol
from dataengine.format_table import FORMATS, format_named
from dataengine.formats.reading.content import Limits
from dataengine.inference.network_files import MODELS
from dataengine.params import load_section
from dataengine.people import Images, People
from dataengine.studies.page import command_line
from dataengine.studies.settings import parse_seeds
from dataengine.terminal.folders import folder_option, out_folder_option
from dataengine.terminal.options import PARAMS_FILE, ParamsFile
from dataengine.terminal.speech import answer, say

from .pseudo.params import PseudoLabelParams
from .pseudo.teachers import TEACHERS, ask_teachers
from .studies.trust.kept_answers import kept_answers
from .studies.trust.measure import MeasuredSet, cameras, measure
from .studies.trust.page import PAGE_NAME, write_trust_page
from .trust.known_people import KnownPeople, known_people

BLOCK_FRAMES = 10  # of one film, that are resampled together where a whole set is one group


def command(
    annotations: Annotated[Path, typer.Option(help="Annotation file or folder of the set that calibrates.")],
    images: Annotated[Path, folder_option(help="Folder of its images.")],
    fetched: Annotated[Path, folder_option(help="Folder that the stage fetch wrote, with BlazePose's models.")],
    report: Annotated[Path, out_folder_option(help="Folder for trust.md, trust.png and metrics.json.")],
    source_format: Annotated[str, typer.Option("--format", help=f"Format to read: {' | '.join(FORMATS)}.")] = "coco",
    pictures: Annotated[int, typer.Option(help="Pictures of the set to use, drawn by chance.")] = 3000,
    unseen: Annotated[
        list[Path] | None,
        typer.Option(help="COCO JSON of a stage, a set that calibration never sees; repeat it.", show_default="none"),
    ] = None,
    teacher: Annotated[Path | None, folder_option(help="Checkpoint folder of a second teacher.")] = None,
    asked: Annotated[list[float] | None, typer.Option(help="A precision; repeat it.", show_default="0.8 0.9")] = None,
    seed: Annotated[list[int] | None, typer.Option(help="Seed of a split; repeat it.", show_default="0 1 2")] = None,
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Measure whether joints that are accepted at a precision are right that often.

    BlazePose finds people in a labelled set and labels them. For each seed one half of the set's groups calibrates, as
    validation people do in `pseudo-label`; the other half only measures, and so does every set of --unseen, as a whole
    and camera by camera. The page shows the precision asked for, the precision and the coverage reached, with 95 %
    intervals over groups, those of the plain thresholds of params.yaml, and the reliability before and after. What the
    teachers answered is kept in REPORT/answers, so that a study that was stopped goes on with the same command.

    Example: dataengine compare-trust --annotations mine/people.json --images mine/images --fetched data/fetch --unseen data/ingest/train.json --asked 0.8 --asked 0.9 --report reports/compare-trust
    """  # noqa: E501  an example is one line to copy
    precisions, seeds = tuple(asked or (0.8, 0.9)), parse_seeds(seed or [0, 1, 2])
    given = {"unseen": list(unseen or []), "teacher": teacher, "asked": list(precisions), "seed": list(seeds)}
    called = command_line(
        "compare-trust",
        annotations=annotations,
        images=images,
        fetched=fetched,
        pictures=pictures,
        **{name: value for name, value in given.items() if value is not None},
    )
    run(
        load_section(params, "pseudo-label", PseudoLabelParams),
        annotations=annotations,
        images=images,
        fetched=fetched,
        report=report,
        source_format=source_format,
        pictures=pictures,
        unseen=tuple(unseen or ()),
        teacher=teacher,
        asked=precisions,
        seeds=seeds,
        protocol=load_protocol(params),
        called=called,
    )


def run(
    params: PseudoLabelParams,
    *,
    annotations: Path,
    images: Path,
    fetched: Path,
    report: Path,
    source_format: str = "coco",
    pictures: int = 3000,
    unseen: tuple[Path, ...] = (),
    teacher: Path | None = None,
    asked: tuple[float, ...] = (0.8, 0.9),
    seeds: tuple[int, ...] = (0, 1, 2),
    protocol: OksProtocol = COCO,
    called: str = "dataengine compare-trust",
) -> None:
    """Write the page into `report`. Raises InputError where half of the set is too small to calibrate."""
    content = format_named(source_format).read(annotations, images, Limits())
    people, table = some_pictures(content.people, content.images, pictures)
    say(f"compare-trust: {len(table)} pictures of {annotations}")

    def known_by(labelled: People, frames: Images, max_gap: int) -> KnownPeople:
        found, opinions = kept_answers(
            report / "answers",
            frames,
            teacher,
            max_gap=max_gap,
            ask=lambda: ask_teachers(frames, fetched / MODELS, teacher, max_gap=max_gap),
        )
        return known_people(labelled, frames, found, opinions, protocol.sigmas)

    calibrating = known_by(people, table, max_gap=0)  # single pictures: nobody is followed
    measured: list[MeasuredSet] = []
    for path in unseen:
        labelled, frames = read_project_people(path)
        known = known_by(labelled, frames, max_gap=params.max_gap)
        measured += cameras(str(path), known, frames, BLOCK_FRAMES)
    teachers = TEACHERS if teacher else TEACHERS[:1]
    try:
        study = measure(
            calibrating, measured, asked=asked, seeds=seeds, teachers=teachers, params=params, filters=params
        )
    except ValueError as error:
        raise InputError(
            f"half of {annotations} does not calibrate", got=str(error), fix="use more pictures"
        ) from error
    write_trust_page(report, study, called)
    answer((report / f"{PAGE_NAME}.md").read_text(encoding="utf-8"))


def some_pictures(people: People, images: Images, count: int) -> tuple[People, Images]:
    """`count` of the images that have people, drawn by chance but always the same, and the people in them."""
    with_people = np.flatnonzero(np.isin(images.id, people.image_id))
    drawn = np.sort(np.random.default_rng(0).permutation(with_people)[:count])
    chosen = images.take(drawn)
    return people.take(np.isin(people.image_id, chosen.id)), chosen
