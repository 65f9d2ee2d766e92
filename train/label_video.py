"""Command `label-video`: films in, pseudo-labels out, frame by frame, in memory that no film's length changes."""

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import typer

from dataengine.errors import InputError
from dataengine.evaluation.ap.protocol import COCO, OksProtocol
from dataengine.evaluation.own_sigmas import load_protocol
from dataengine.files import write_json
from dataengine.hardware.threads import torch_threads
from dataengine.inference.network_files import MODELS
from dataengine.parallel.parallel_map import parallel_map
from dataengine.params import load_section
from dataengine.terminal.folders import folder_option, out_folder_option
from dataengine.terminal.options import PARAMS_FILE, Cluster, ParamsFile
from dataengine.terminal.speech import answer, say

from .pseudo.params import PseudoLabelParams
from .trust.rule import write_trust

SUMMARY, TRUST = "films.json", "trust.json"


def command(
    films: Annotated[list[Path], typer.Argument(help="Film files; each gets a folder of its own in --out.")],
    model: Annotated[
        list[str], typer.Option(help="Checkpoint folder, or blazepose; repeat it: several teachers judge together.")
    ],
    out: Annotated[Path, out_folder_option(help="Folder to write: FILM/labels.json, FILM/metrics.json, films.json.")],
    fetched: Annotated[
        Path, folder_option(help="Folder that the stage fetch wrote; BlazePose's models are read from its mediapipe/.")
    ] = Path("data/fetch"),
    boxes: Annotated[
        Path | None,
        typer.Option(
            help="Boxes of one film, instead of a detector's: COCO JSON with `frame`, a COCO results list, or "
            "MOTChallenge's .txt."
        ),
    ] = None,
    detector: Annotated[
        str, typer.Option(help="Who finds people: blazepose, or a folder or owner/name@commit of RT-DETR or D-FINE.")
    ] = "blazepose",
    box_score: Annotated[
        float | None,
        typer.Option(help="Least score of a box, of --detector or --boxes.", show_default="0.5; files: all boxes"),
    ] = None,
    follow: Annotated[
        Literal["overlap", "keypoints"],
        typer.Option(help="Who is who: by overlap of boxes, or by joints, which keeps identities across gaps."),
    ] = "overlap",
    val: Annotated[
        Path | None, typer.Option(help="Labelled validation people, COCO JSON: from them trust is learned.")
    ] = None,
    trust: Annotated[
        Path | None, typer.Option(help="trust.json of an earlier call with the same models, instead of --val.")
    ] = None,
    every: Annotated[int, typer.Option(help="Read every n-th frame.")] = 1,
    detect_every: Annotated[int, typer.Option(help="Of these, look for people in every n-th.")] = 4,
    views: Annotated[
        bool,
        typer.Option("--views", help="Teachers see everybody turned and at other scales, too: three times the work."),
    ] = False,
    overlay: Annotated[
        bool, typer.Option("--overlay", help="Write the film with the labels drawn into it, too.")
    ] = False,
    cluster: Cluster = None,
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Label films of any length with your networks.

    BlazePose finds people in every fourth frame, boxes are followed in between, and the models label them all, on
    picture and mirror image. `--model blazepose` asks BlazePose about joints, too; before a network these are the two
    teachers of the stage `pseudo-label`. What is accepted follows section `pseudo-label` of params.yaml, as in the stage of that
    name: by trust learned on --val where there are enough labelled people, else by fitted_confidence and
    flip_tolerance. labels.json is COCO JSON with track ids and the weight of each joint (joint_weight), of people who
    were kept; metrics.json counts why joints and people were dropped.

    Films are labelled one after the other; with --cluster each node takes films of its own, as many as it has cores for.

    A call that was stopped goes on at the frame it had reached. A file that is not a film, or of which nothing can be
    decoded, is refused in one line; the others are labelled, and the exit code is 2. films.json has the outcome of each.

    Example: dataengine label-video walk.mp4 --model models/fit-teacher --val data/ingest/val.json --overlay --out reports/label-video
    """  # noqa: E501  an example is one line to copy
    run(
        load_section(params, "pseudo-label", PseudoLabelParams),
        films=films,
        models=tuple(model),
        out=out,
        fetched=fetched,
        boxes=boxes,
        detector=detector,
        box_score=box_score,
        follow=follow,
        val=val,
        trust=trust,
        every=every,
        detect_every=detect_every,
        views=views,
        overlay=overlay,
        cluster=cluster,
        protocol=load_protocol(params),
    )


def run(
    params: PseudoLabelParams,
    *,
    films: list[Path],
    models: tuple[str, ...],
    out: Path,
    fetched: Path = Path("data/fetch"),
    boxes: Path | None = None,
    detector: str = "blazepose",
    box_score: float | None = None,
    follow: Literal["overlap", "keypoints"] = "overlap",
    val: Path | None = None,
    trust: Path | None = None,
    every: int = 1,
    detect_every: int = 4,
    views: bool = False,
    overlay: bool = False,
    cluster: str | None = None,
    protocol: OksProtocol = COCO,
) -> list[dict[str, Any]]:
    """Label the films, and return the metrics of each.

    Raises:
        InputError: an option does not fit, or at the end, a film was refused.
    """
    from dataengine.films.detectors import check_choice
    from dataengine.judges.turned_views import VIEWS
    from dataengine.tracking.association import read_association

    from .film.choices import chosen_detector, chosen_rule, chosen_teachers
    from .film.film_work import REFUSED, FilmWork
    from .film.label_film import deciding_hash
    from .film.teachers import names_of

    _check(every=every, detect_every=detect_every)
    check_choice(detector, boxes, box_score)
    if boxes is not None and len(films) > 1:
        raise InputError("--boxes is of one film", expected="one film", got=str(len(films)))
    if trust is not None and val is not None:
        raise InputError("--trust and --val exclude each other", fix="give the one that you mean")
    opened = partial(chosen_teachers, models, fetched / MODELS, views=views)
    names = names_of(opened())
    if len(set(names)) < len(models):
        raise InputError("two models have one name", expected="folders of different names", got=", ".join(names))
    rule = chosen_rule(
        params, models, names, trust=trust, val=val, blazepose=fetched / MODELS, protocol=protocol, views=views
    )
    apart = max(1, min(detect_every, params.max_gap // every))
    finder = partial(chosen_detector, detector, fetched / MODELS, boxes=boxes, least_score=box_score, every=apart)
    association = read_association() if follow == "keypoints" else None
    follows = {"follow": asdict(association)} if association else {}
    settings = {"params": asdict(params), "detect_every": apart, **finder().settings, **follows}
    settings |= {"views": list(map(asdict, VIEWS))} if views else {}
    decides = deciding_hash([Path(model) for model in models], boxes, rule, **settings)
    if rule is not None:
        write_trust(out / TRUST, rule)
    work = FilmWork(
        open_teachers=opened,
        choose_detector=finder,
        rule=rule,
        params=params,
        every=every,
        decides=decides,
        association=association,
        out=out,
        overlay=overlay,
    )
    known: dict[int, dict[str, Any]] = {}

    def note(index: int, outcome: dict[str, Any]) -> None:
        known[index] = outcome
        if outcome["outcome"] == REFUSED:
            say(f"label-video: {outcome['why']}")
        write_json(out / SUMMARY, [known[number] for number in sorted(known)])
        answer(_line(outcome))

    outcomes = parallel_map(
        work,
        films,
        description="films",
        workers=1 if cluster is None else None,  # here a film has all cores
        threads=torch_threads(),
        cluster=cluster,
        name=str,
        each=note,
        unit="film",
    )
    refused = [outcome["file"] for outcome in outcomes if outcome["outcome"] == REFUSED]
    if refused:
        raise InputError(
            f"{len(refused)} of {len(films)} films refused", got=", ".join(refused), fix=f"see {out / SUMMARY}"
        )
    return outcomes


def _check(**counts: int) -> None:
    for name, value in counts.items():
        if value < 1:
            raise InputError(f"--{name.replace('_', '-')} does not fit", expected="1 or more", got=str(value))


def _line(outcome: dict[str, Any]) -> str:
    from .film.film_work import REFUSED

    if outcome["outcome"] == REFUSED:
        return f"{outcome['file']}: refused"
    accepted = np.mean(list(outcome["joint_acceptance"].values()))
    lost = f", {outcome['frames_lost']} frames lost" if outcome["frames_lost"] else ""
    return (
        f"{outcome['file']}: {outcome['outcome']}; {outcome['frames']} frames{lost}, {outcome['people_kept']} of "
        f"{outcome['people_found']} people kept, {accepted:.0%} of joints accepted"
    )
