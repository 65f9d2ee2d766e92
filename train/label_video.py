"""Command `label-video`: films in, pseudo-labels out, frame by frame, in memory that no film's length changes."""

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from dataengine.errors import InputError
from dataengine.evaluation.ap.protocol import COCO, OksProtocol
from dataengine.evaluation.own_sigmas import load_protocol
from dataengine.files import write_json
from dataengine.hardware.threads import torch_threads
from dataengine.parallel.parallel_map import parallel_map
from dataengine.params import load_section
from dataengine.people import Images, People
from dataengine.terminal.options import PARAMS_FILE, Cluster, ParamsFile
from dataengine.terminal.speech import answer, say

from .pseudo.filters import Opinion
from .pseudo.params import PseudoLabelParams
from .trust.rule import TrustRule, read_trust, write_trust

SUMMARY, TRUST = "films.json", "trust.json"
MODELS = "mediapipe"  # folder of BlazePose's models among the fetched data


def command(
    films: Annotated[list[Path], typer.Argument(help="Film files; each gets a folder of its own in --out.")],
    model: Annotated[
        list[str], typer.Option(help="Checkpoint folder, or blazepose; repeat it: several teachers judge together.")
    ],
    out: Annotated[Path, typer.Option(help="Folder to write: FILM/labels.json, FILM/metrics.json, films.json.")],
    fetched: Annotated[
        Path, typer.Option(help="Folder that the stage fetch wrote; BlazePose's models are read from its mediapipe/.")
    ] = Path("data/fetch"),
    boxes: Annotated[
        Path | None, typer.Option(help="COCO JSON of one film's frames: its boxes are used instead of BlazePose's.")
    ] = None,
    val: Annotated[
        Path | None, typer.Option(help="Labelled validation people, COCO JSON: from them trust is learned.")
    ] = None,
    trust: Annotated[
        Path | None, typer.Option(help="trust.json of an earlier call with the same models, instead of --val.")
    ] = None,
    every: Annotated[int, typer.Option(help="Read every n-th frame.")] = 1,
    detect_every: Annotated[int, typer.Option(help="Of these, look for people in every n-th.")] = 4,
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
        val=val,
        trust=trust,
        every=every,
        detect_every=detect_every,
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
    val: Path | None = None,
    trust: Path | None = None,
    every: int = 1,
    detect_every: int = 4,
    overlay: bool = False,
    cluster: str | None = None,
    protocol: OksProtocol = COCO,
) -> list[dict[str, Any]]:
    """Label the films, and return the metrics of each.

    Raises:
        InputError: an option does not fit, or at the end, a film was refused.
    """
    from .film.film_work import REFUSED, FilmWork, detector_of, open_teachers
    from .film.label_film import deciding_hash
    from .film.teachers import names_of

    _check(every=every, detect_every=detect_every)
    if boxes is not None and len(films) > 1:
        raise InputError("--boxes is of one film", expected="one film", got=str(len(films)))
    if trust is not None and val is not None:
        raise InputError("--trust and --val exclude each other", fix="give the one that you mean")
    opened = partial(open_teachers, models, fetched / MODELS)
    names = names_of(opened())
    if len(set(names)) < len(models):
        raise InputError("two models have one name", expected="folders of different names", got=", ".join(names))
    rule = _rule(params, models, names, trust=trust, val=val, fetched=fetched, protocol=protocol)
    apart = max(1, min(detect_every, params.max_gap // every))
    decides = deciding_hash([Path(model) for model in models], boxes, rule, params=asdict(params), detect_every=apart)
    if rule is not None:
        write_trust(out / TRUST, rule)
    work = FilmWork(
        open_teachers=opened,
        choose_detector=partial(detector_of, boxes, fetched / MODELS, apart),
        rule=rule,
        params=params,
        every=every,
        decides=decides,
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
        workers=1,
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


def _rule(
    params: PseudoLabelParams,
    models: tuple[str, ...],
    names: tuple[str, ...],
    *,
    trust: Path | None,
    val: Path | None,
    fetched: Path,
    protocol: OksProtocol,
) -> TrustRule | None:
    from .pseudo.teachers import ask_models
    from .trust.validation import learn_from

    if trust is not None:
        rule = read_trust(trust)
        if rule.teachers != names:
            raise InputError(f"{trust} is of other models", expected=", ".join(names), got=", ".join(rule.teachers))
        return rule

    def ask(images: Images) -> tuple[People, tuple[Opinion, ...]]:
        return ask_models(images, fetched / MODELS, models, max_gap=params.max_gap)

    learned = learn_from(val, params, names, ask, sigmas=protocol.sigmas)
    say(learned.line())
    return learned.rule


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
