"""Fit a keypoint network, resumable after a kill.

`fit` runs all of it and writes checkpoint and report; `run.py` holds what changes from epoch to epoch, `step.py` what
happens in a step. The same params and data give the same weights, in one go or with interruptions: every batch,
augmentation and learning rate is a function of (seed, epoch, step), and the resume state holds the rest.
"""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from dataengine.files import fresh_folder
from dataengine.inference.running.predict import torch_runner
from dataengine.nets.checkpoint import WEIGHTS_NAME, ModelMeta, save_checkpoint
from dataengine.person_scale import scale_words
from dataengine.terminal.progress import track

from ..scoring.expected_oks import learnt_score
from ..scoring.joint_curves import by_curves, learnt_curves
from .consistency.people import Unlabelled
from .consistency.plot import write_watch_picture
from .consistency.watch import refuse_collapse
from .data import ValidationSet, fingerprint, learnt_pictures, picture_hashes
from .forgetting import OldTest, forgetting, old_test_set
from .learnt_from.training_set import TrainingSet, labels_drawn
from .origin import origin_folder, starter_hash
from .params import DistillParams, FitParams
from .progress import Progress
from .report import PICTURE_NAME, jittered_figures, validation_figures, write_curves, write_picture
from .run import Run
from .start import choose_device, files_read, model_meta, openmp_on_own_cores, with_taught, within_section
from .state import fit_precision, load_state, remove_state, save_state, say_precision
from .steps.lost_ranks import ends_with_its_ranks
from .steps.ranks import Ranks
from .without_effect import say_without_effect


@ends_with_its_ranks()
def fit(
    stage: str,
    params: FitParams,
    training: TrainingSet,
    validation: ValidationSet,
    *,
    out: Path,
    report: Path,
    files: Sequence[Path],
    distill: DistillParams | None = None,
    unlabelled: Unlabelled | None = None,
) -> dict[str, float]:
    """Fit on `training`, write the checkpoint folder `out` and the folder `report`; returns the final figures.

    `files` are the label files read, for the fingerprint; `distill` may name a teacher;
    `unlabelled` are people without labels to learn from as well. A ParamsError names section
    `stage`.
    """
    with within_section(stage):
        device, meta = choose_device(params), model_meta(params)
        labelled = training.taught(params.epochs, params.draws_per_epoch, params.people_per_epoch)
        meta = with_taught(meta, params, labelled)
    ranks, protocol = Ranks.of_environment(device), validation.protocol
    teacher = [Path(distill.teacher) / WEIGHTS_NAME] if distill and distill.teacher else []
    more = [unlabelled.images] if unlabelled is not None else []
    pictures = picture_hashes(training.images, validation.images, *more)
    learnt = learnt_pictures(training, pictures, origin_folder(params), *more)
    contents, read = {**pictures, **starter_hash(params)}, [*files, *files_read(params), *teacher]
    read += unlabelled.files if unlabelled is not None else ()
    run_fingerprint = fingerprint(params, contents, read, ranks.world, protocol)
    old = old_test_set(params, training, protocol)
    state = load_state(out, run_fingerprint)
    precision = ranks.from_first(lambda: fit_precision(params, device, state, out))
    with within_section(stage):
        run = Run(
            params,
            meta,
            training,
            ranks,
            distill,
            precision=precision.name,
            protocol=protocol,
            unlabelled=unlabelled,
        )
    progress = Progress(report)
    run.restore(state)
    if unlabelled is not None:
        refuse_collapse(run.history)  # a state of a fit that was stopped for it
    if ranks.is_first:
        say_precision(stage, precision)
        say_without_effect(stage, params, training)
        if not run.done:
            progress.restart()
    step_numbers = range(run.done * run.steps_per_epoch, run.steps)
    steps = track(step_numbers, stage, unit="batch") if ranks.is_first else iter(step_numbers)
    while not run.epochs.finished():
        with openmp_on_own_cores(device):
            loss = run.epoch(steps)
        watched = run.watched()
        run.note(
            {"train_loss": loss, **watched, **ranks.from_first(lambda: _validate(run, meta, validation, progress))}
        )
        if ranks.is_first:
            save_state(out, run.state(run_fingerprint))
            progress.show_curves(run.history)
        if unlabelled is not None:
            refuse_collapse(run.history)
    next(steps, None)  # lets the bar finish its line
    final = ranks.from_first(
        lambda: _finish(
            stage,
            run,
            meta,
            validation,
            old=old,
            run_fingerprint=run_fingerprint,
            learnt=learnt,
            labels=labels_drawn(training),
            out=out,
            report=report,
            progress=progress,
        )
    )
    run.leave()
    return final


def _validate(run: Run, meta: ModelMeta, validation: ValidationSet, progress: Progress) -> dict[str, float]:
    prediction = validation.crops.predict(run.average_runner, meta, batch=run.inference_batch)
    progress.show_people(run.done, validation, prediction)
    return validation_figures(validation, prediction)


def _finish(
    stage: str,
    run: Run,
    meta: ModelMeta,
    validation: ValidationSet,
    *,
    old: OldTest | None,
    run_fingerprint: str,
    learnt: frozenset[str] | None,
    labels: dict[str, int],
    out: Path,
    report: Path,
    progress: Progress,
) -> dict[str, float]:
    """Write the checkpoint and the report of the network that is shipped; returns its figures."""
    shipped = run.shipped()
    runner, batch = torch_runner(shipped), run.inference_batch
    prediction = validation.crops.predict(runner, meta, batch=batch)
    jittered = jittered_figures(validation, runner, meta, run.params.box_jitter, batch=batch)
    forgotten = forgetting(old, shipped, meta, batch=batch)
    final = {**validation_figures(validation, prediction), **jittered, **run.speed(), **forgotten}
    lineage = {
        **{"stage": stage, "params": asdict(run.params), "precision": run.precision},
        **{"data_sha256": run_fingerprint, "validation": run.epochs.shipped_figures()},
        **{"labels": labels, "oks_sigmas": validation.protocol.sigmas_name},
    }
    curves = learnt_curves(validation.people, prediction, validation.protocol)
    score = learnt_score(validation.people, by_curves(prediction, curves), validation.protocol)
    meta = replace(meta, lineage=lineage, score=score, joint_confidence=curves)
    measured_by = {"oks_scale": scale_words(validation.people), "oks_sigmas": validation.protocol.sigmas_name}
    with fresh_folder(out) as out_folder, fresh_folder(report) as report_folder:  # a checkpoint comes after its report
        save_checkpoint(out_folder, shipped, meta, learnt)
        write_curves(report_folder, run.history, {**final, **measured_by})
        write_picture(report_folder / PICTURE_NAME, validation, prediction)
        progress.finish(report_folder)
        write_watch_picture(report_folder, run.history)
    remove_state(out)
    progress.restart()
    return final
