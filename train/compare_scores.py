"""Command `compare-scores`: which score of a person ranks people best and is calibrated, on one network's answers."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from dataengine.coco_json import read_project_people
from dataengine.errors import InputError
from dataengine.evaluation.ap.protocol import COCO, OksProtocol
from dataengine.evaluation.own_sigmas import load_protocol
from dataengine.files import fresh_folder, write_json
from dataengine.inference.running.predict import Runner, load_runner, predict_people
from dataengine.inference.under_dropout import dropout_disagreement
from dataengine.nets.checkpoint import ModelMeta
from dataengine.people import Images, People
from dataengine.person_scale import scale_words
from dataengine.studies.shared_pictures import refuse_shared_pictures
from dataengine.terminal.folders import folder_option, replaced_folder_option
from dataengine.terminal.options import PARAMS_FILE, ParamsFile, seed_option
from dataengine.terminal.speech import answer

from .studies.scores.measure import ScoreFigures, joint_figures, score_figures
from .studies.scores.rules import Answers


def command(
    model: Annotated[Path, folder_option(help="Checkpoint folder of the network.")],
    learn: Annotated[Path, typer.Option(help="COCO JSON of the people that scores are learnt on: validation people.")],
    test: Annotated[Path, typer.Option(help="COCO JSON of other labelled people, on which all are measured.")],
    report: Annotated[Path, replaced_folder_option(holds={"metrics.json"}, help="Folder for metrics.json.")],
    seed: Annotated[int, seed_option(help="Seed of the resampled images.")] = 0,
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Compare ways to score a person on the same keypoints: means, sameness under dropout, and learnt scores.

    Of the confidence in single joints it shows the expected calibration error: as the network states it, and by isotonic
    curves, one for all joints or one for each.

    Shows the AP with each, its gain over the mean confidence of the taught joints with a 95 % interval, the expected
    calibration error, and the AP that a score would have that knew every OKS. Images are resampled one by one: of a
    video the intervals are too narrow. Do not choose on a test set that the gate uses.

    Example: dataengine compare-scores --model models/fit-student --learn data/ingest/val.json --test data/ingest/train.json --report reports/compare-scores
    """  # noqa: E501  an example is one line to copy
    run(model=model, learn=learn, test=test, report=report, seed=seed, protocol=load_protocol(params))


def run(
    *, model: Path, learn: Path, test: Path, report: Path, seed: int = 0, protocol: OksProtocol = COCO
) -> dict[str, Any]:
    """Measure, print, write `report`/metrics.json and return its content."""
    sets = {name: _labelled(path) for name, path in (("--learn", learn), ("--test", test))}
    refuse_shared_pictures({name: images for name, (_, images) in sets.items()})
    runner, loaded = load_runner(model)
    meta = replace(loaded, joint_confidence=None)
    learnt_on, measured_on = (_answers(model, runner, meta, *each, protocol) for each in sets.values())
    images = sets["--test"][1]
    rows = list(score_figures(learnt_on, measured_on, images, seed=seed))
    metrics = {
        "people": len(measured_on.people),
        "learnt_on": len(learnt_on.people),
        "mean_oks": float(measured_on.oks.mean()),
        "oks_scale": scale_words(measured_on.people),
        "oks_sigmas": protocol.sigmas_name,
        "scores": {row.name: {"AP": row.ap, "gain": asdict(row.gain), "ECE": row.ece} for row in rows},
    }
    joints = joint_figures(learnt_on, measured_on)
    metrics |= {"joints_ece": joints}
    with fresh_folder(report) as folder:
        write_json(folder / "metrics.json", metrics)
    for line in [*table(rows), "", *joint_table(joints)]:
        answer(line)
    return metrics


def _labelled(path: Path) -> tuple[People, Images]:
    people, images = read_project_people(path)
    if not len(people):
        raise InputError(f"{path} has no people", expected="labelled people")
    return people, images


def _answers(
    model: Path, runner: Runner, meta: ModelMeta, people: People, images: Images, protocol: OksProtocol
) -> Answers:
    prediction = predict_people(runner, meta, people, images, description="people")
    return Answers(people, prediction, protocol, dropout_disagreement(model, people, images))


def table(rows: list[ScoreFigures]) -> list[str]:
    """The figures as a Markdown table."""
    lines = ["| score | AP | gain in AP | ECE |", "|---|---|---|---|"]
    return lines + [
        f"| {row.name} | {row.ap:.4f} | {row.gain.value:+.4f} ({row.gain.low:+.4f} to {row.gain.high:+.4f}) "
        f"| {row.ece:.3f} |"
        for row in rows
    ]


def joint_table(figures: dict[str, dict[str, float]]) -> list[str]:
    """The calibration of single joints as a Markdown table."""
    lines = ["| confidence in joints | ECE, all joints together | ECE, mean of the joints |", "|---|---|---|"]
    return lines + [f"| {name} | {row['all']:.3f} | {row['mean']:.3f} |" for name, row in figures.items()]
