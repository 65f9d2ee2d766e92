"""Score networks on labelled people: ours, adopted ones and BlazePose on the same people, each with an interval."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from dataengine.coco_json import read_people
from dataengine.errors import ParamsError
from dataengine.evaluation.analysis.bootstrap import interval_of
from dataengine.evaluation.analysis.image_clusters import units_of
from dataengine.evaluation.analysis.interval import Interval
from dataengine.evaluation.ap.matching import paired
from dataengine.evaluation.ap.oks import figures
from dataengine.evaluation.ap.protocol import COCO, OksProtocol
from dataengine.evaluation.own_sigmas import load_protocol
from dataengine.evaluation.pck import pck
from dataengine.files import atomic_path, write_json
from dataengine.inference.exported import ONNX_FP32, load_exported
from dataengine.params import load_section
from dataengine.people import Images, People
from dataengine.person_scale import scale_words
from dataengine.terminal.folders import folder_option, out_folder_option
from dataengine.terminal.options import PARAMS_FILE, ParamsFile
from dataengine.terminal.speech import answer

from .gate.independence import clusters_for
from .gate.policy import CompareParams

PAGE, METRICS = "scores.md", "metrics.json"
BLAZEPOSE_LOOKS = 2  # an upright square about the box, then the region that the model asks for


@dataclass(frozen=True)
class Scored:
    """Figures of one network on the people, each in 0..1."""

    name: str
    ap: Interval
    """OKS AP, its interval resampled by clusters of pictures."""
    ap50: float
    pck_02: float
    """Share of labelled joints within 0.2 of the torso."""


def command(
    people: Annotated[Path, typer.Option(help="COCO JSON of labelled people.")],
    report: Annotated[Path, out_folder_option(help=f"Folder for {PAGE} and {METRICS}.")],
    model: Annotated[
        list[Path] | None,
        folder_option(help="Folder of a fit's checkpoint, of an export, or of `dataengine adopt`; repeat it for more."),
    ] = None,
    blazepose: Annotated[
        Path | None, folder_option(help="Folder of the BlazePose models, for example data/fetch/mediapipe.")
    ] = None,
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Score networks on the same labelled people: OKS AP with its interval, AP50, PCK@0.2.

    Every network finds the joints inside the labelled boxes; an adopted one that sees whole pictures finds people itself,
    and each box is given the detection that covers it best. BlazePose looks twice: at the box, then at the region that
    it asks for. Intervals resample what is independent, as in `dataengine compare` (compare.cluster and the params after
    it). Labels that a network made itself flatter it: the default data's are BlazePose's, from four views.

    Use it on validation people. Whoever picks a model by its figures on the test set has spent that set: that is for
    `dataengine compare`, which counts its uses.

    Example: dataengine score --people data/ingest/val.json --model models/fit-teacher --model models/export --blazepose data/fetch/mediapipe --report reports/score
    """  # noqa: E501  an example is one line to copy
    run(
        load_section(params, "compare", CompareParams),
        protocol=load_protocol(params),
        people=people,
        report=report,
        models=model or [],
        blazepose=blazepose,
    )


def run(
    params: CompareParams,
    *,
    people: Path,
    report: Path,
    models: list[Path],
    blazepose: Path | None = None,
    protocol: OksProtocol = COCO,
) -> list[Scored]:
    """Print the table and write it to `report`, as a page and as JSON."""
    if not models and blazepose is None:
        raise ParamsError("there is nothing to score", fix="give --model or --blazepose")
    labelled, images = read_people(people)
    found = {str(folder): _ours(folder, labelled, images, params.threads) for folder in models}
    if blazepose is not None:
        from dataengine.blazepose.in_boxes import poses_in_boxes

        found["BlazePose full"] = poses_in_boxes(labelled, images, blazepose, looks=BLAZEPOSE_LOOKS)
    scores = [_scored(name, labelled, images, predicted, params, protocol) for name, predicted in found.items()]
    _write(report, people, labelled, images, scores, level=params.level, sigmas=protocol.sigmas_name)
    return scores


def _ours(folder: Path, people: People, images: Images, threads: int) -> People:
    """The joints that a checkpoint (in PyTorch), an export (as `compare` would run it) or an adopted network finds."""
    from dataengine.adopted.folder import contract_of, open_adopted
    from dataengine.inference.running.predict import load_runner, predict_people
    from dataengine.inference.shipped.runners import runner_for

    if (folder / ONNX_FP32).is_file():
        exported = load_exported(folder)
        if contract_of(exported) is not None:
            return open_adopted(exported, threads).people_in_boxes(people, images, description=str(folder))
        runner, meta = runner_for("auto", [exported], threads).runners[0], exported.meta
    else:
        runner, meta = load_runner(folder)
    return predict_people(runner, meta, people, images, description=str(folder)).as_people(people)


def _scored(
    name: str, people: People, images: Images, found: People, params: CompareParams, protocol: OksProtocol
) -> Scored:
    pairs = paired(people, images, found, protocol)
    matches = pairs.match()
    shown = images.take(images.rows_of(matches.image_id))
    units = units_of(shown, params.cluster, params.block_frames)
    clusters, _ = clusters_for(units, matches, None, limit=params.neighbours)
    rng = np.random.default_rng(0)
    interval = interval_of(matches, clusters, resamples=params.resamples, level=params.level, rng=rng)
    return Scored(name, interval, figures(pairs)["AP50"], pck(people, found.keypoints_px))


def _write(
    report: Path, source: Path, people: People, images: Images, scores: list[Scored], *, level: float, sigmas: str
) -> None:
    lines = [
        f"{len(people)} people in {len(images)} images of `{source}`, joints found in their labelled boxes.",
        f"Scale of OKS: {scale_words(people)}; sigmas: {sigmas}.",
        "",
        f"| network | OKS AP, {level:.0%} interval | AP50 | PCK@0.2 |",
        "|---|---|---|---|",
        *(f"| {s.name} | {_words(s.ap)} | {s.ap50:.3f} | {s.pck_02:.3f} |" for s in scores),
    ]
    report.mkdir(parents=True, exist_ok=True)
    networks = {s.name: {"AP": s.ap.value, "AP50": s.ap50, "PCK@0.2": s.pck_02} for s in scores}
    facts = {"oks_scale": scale_words(people), "oks_sigmas": sigmas}
    write_json(report / METRICS, facts | {"networks": networks})
    with atomic_path(report / PAGE) as partial:
        partial.write_text("\n".join(lines) + "\n", encoding="utf-8")
    answer("\n".join(lines))


def _words(interval: Interval) -> str:
    return f"{interval.value:.3f} ({interval.low:.3f} to {interval.high:.3f})"
