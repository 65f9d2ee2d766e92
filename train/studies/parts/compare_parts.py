"""Command `compare-parts`: which parts of today's recipes pay on validation people, each fitted alone."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer

from dataengine.coco_json import read_project_people
from dataengine.errors import InputError
from dataengine.evaluation.ap.protocol import COCO, OksProtocol
from dataengine.evaluation.own_sigmas import load_protocol
from dataengine.files import atomic_path, read_json, sha256_file
from dataengine.params import load_section
from dataengine.studies.page import command_line
from dataengine.studies.settings import json_hash, parse_seeds
from dataengine.terminal.options import PARAMS_FILE, ParamsFile
from dataengine.terminal.speech import answer

from ...fit.data import MIX_PEOPLE, MIX_RECIPE
from ...fit.params import BASE, FitParams
from .page import page
from .plan import BASE_PART, PARTS

PAGE, METRICS, MEASURED = "parts.md", "metrics.json", "val_oks_ap"


def command(
    mix: Annotated[Path, typer.Option(help="Folder that the stage mix wrote: what is learnt from.")],
    val: Annotated[Path, typer.Option(help="COCO JSON of the validation people that all are measured on.")],
    report: Annotated[Path, typer.Option(help="Folder for the page and the fits; read again to go on.")],
    part: Annotated[
        list[str] | None, typer.Option(help=f"Part, {' | '.join(PARTS)}; repeat it.", show_default="all")
    ] = None,
    seed: Annotated[list[int] | None, typer.Option(help="Seed; repeat it.", show_default="0, 1 and 2")] = None,
    people: Annotated[int, typer.Option(help="People that every fit sees, in all epochs together.")] = 12_000,
    epochs: Annotated[int, typer.Option(help="Epochs of each fit, a divisor of --people.")] = 4,
    start: Annotated[str, typer.Option(help="none (random weights), starter, or a checkpoint folder.")] = "none",
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Fit with each part of today's recipes alone, and show its gain in validation AP over the fit as it is.

    Parts: half bodies (augment.half_body_share), two stages (the last quarter of the epochs with weak augmentation),
    RTMPose's head on the fit's labels, and on its own. Never give it test people: it is there to choose by. Section
    fit-teacher, with fit, is what each part changes. A study that was stopped goes on with the same command.

    Example: dataengine compare-parts --mix data/mix --val data/ingest/val.json --seed 0 --seed 1 --report reports/compare-parts
    """  # noqa: E501  an example is one line to copy
    section = load_section(params, "fit-teacher", FitParams, base=BASE)
    run(
        section,
        mix=mix,
        val=val,
        report=report,
        parts=part or list(PARTS),
        seeds=seed or [0, 1, 2],
        people=people,
        epochs=epochs,
        start=start,
        protocol=load_protocol(params),
    )


def run(
    params: FitParams,
    *,
    mix: Path,
    val: Path,
    report: Path,
    parts: Sequence[str],
    seeds: Sequence[int],
    people: int = 12_000,
    epochs: int = 4,
    start: str = "none",
    protocol: OksProtocol = COCO,
) -> dict[tuple[str, int], float]:
    """Fit what is missing, seed by seed, rewrite the page after each fit, and return AP by part and seed.

    Raises:
        InputError: an unknown part, or a number of people that the epochs do not divide.
    """
    unknown = sorted(set(parts) - set(PARTS))
    if unknown:
        raise InputError("--part is unknown", expected=" | ".join(PARTS), got=unknown[0])
    if epochs < 1 or people < epochs or people % epochs:
        raise InputError("--epochs does not fit", expected="a divisor of --people", got=f"{epochs} of {people}")
    chosen = [name for name in PARTS if name in parts or name == BASE_PART]
    read_json(mix / MIX_PEOPLE)
    read_json(mix / MIX_RECIPE)
    images = len(read_project_people(val)[1])
    started = None if start == "none" else start
    given = replace(params, epochs=epochs, people_per_epoch=people // epochs, start_from=started)
    data = [sha256_file(path) for path in (mix / MIX_PEOPLE, mix / MIX_RECIPE, val)]
    data += _further_decides(given, protocol)
    trials = [(name, seed) for seed in parse_seeds(seeds) for name in chosen]
    words = command_line(
        "compare-parts", mix=mix, val=val, part=list(parts), seed=list(seeds), people=people, epochs=epochs, start=start
    )
    ap: dict[tuple[str, int], float] = {}
    for name, seed in trials:
        own = PARTS[name](replace(given, seed=seed))
        folder = report / "fits" / f"{name.replace(' ', '-')}-seed{seed}-{json_hash([asdict(own), data])}"
        metrics = folder / "report" / METRICS
        if not metrics.is_file():
            _fit(own, mix, val, folder, protocol)
        ap[name, seed] = float(read_json(metrics)[MEASURED])
        from_words = "random weights" if started is None else start
        lines = page(words, ap, planned=len(trials), people=people, images=images, start=from_words)
        with atomic_path(report / PAGE) as partial:
            partial.write_text("\n".join(lines) + "\n", encoding="utf-8")
    for line in lines:
        answer(line)
    return ap


def _further_decides(params: FitParams, protocol: OksProtocol) -> list[str]:
    """Weights that fits start from, and sigmas other than COCO's: what decides a result next to params and data."""
    from ...fit.origin import starter_hash
    from ...fit.start import files_read

    weights = [*starter_hash(params).values(), *(sha256_file(path) for path in files_read(params))]
    own = [] if protocol.sigmas_name == COCO.sigmas_name else [protocol.sigmas_name, *map(str, protocol.sigmas)]
    return [*weights, *own]


def _fit(params: FitParams, mix: Path, val: Path, folder: Path, protocol: OksProtocol) -> None:
    """What the stage fit-teacher does, into `folder`."""
    from ...fit.data import files_of, read_training_set, read_validation_set
    from ...fit.loop import fit
    from ...fit.start import crop_spec

    training = read_training_set(mix, None, 0.0, params.replay, params.only, params.curriculum)
    validation = read_validation_set(val, crop_spec(params), protocol)
    files = [*files_of(mix, params), val]
    fit("compare-parts", params, training, validation, out=folder / "model", report=folder / "report", files=files)
