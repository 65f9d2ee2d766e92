"""The command line: a lazy table of names to modules.

``dataengine --help`` reads only this table, so it loads neither torch, bpy nor fiftyone; a module is imported when
its command runs or its own help is asked for.

Adding a command: write a module with a function ``command`` whose parameters are annotated with `typer.Option` and
whose docstring teaches, with an example of one line, then add a line to a panel of `PANELS`. Stage name = command =
section of ``params.yaml`` = module = results folder.

What fails silently: nothing finds a module whose name differs from its command's (a test checks this).
"""

import os
import sys
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated, Any

import typer
import typer.core
import typer.main

from dataengine.errors import MAKE_ROOM, DataEngineError, write_fault
from dataengine.hardware.threads import wait_briefly
from dataengine.terminal.ending import stopped_in_one_line
from dataengine.terminal.programs import end_with_starter
from dataengine.terminal.speech import say_last


@dataclass(frozen=True)
class Command:
    """One line of the table."""

    module: str
    """Dotted name of the module whose function ``command`` it is."""
    summary: str
    """What it does, in one line of ``dataengine --help``."""


PANELS: dict[str, dict[str, Command]] = {
    "Pipeline: the stages, in the order of dvc.yaml": {
        "fetch": Command("dataengine.datasets.fetch", "Get the default videos and models, checked by sha256."),
        "ingest": Command("dataengine.datasets.ingest", "Make the labelled real set; check and split your own."),
        "render": Command("dataengine.blender.render", "Render people with keypoints, visibility and masks."),
        "balance": Command("dataengine.datasets.balance", "Cluster poses and give the rare ones repeat factors."),
        "mix": Command("dataengine.datasets.mix", "Write the training index at an exact ratio."),
        "fit-teacher": Command("dataengine.train.fit_teacher", "Fit the teacher network on the mix."),
        "pseudo-label": Command("dataengine.train.pseudo_label", "Label unlabelled video with two teachers."),
        "fit-student": Command("dataengine.train.fit_student", "Fit the student on the mix and the pseudo-labels."),
        "select": Command("dataengine.active.selection", "Choose what to label next; build the FiftyOne view."),
        "export": Command("dataengine.train.export", "Write ONNX, FP16, INT8 and the engine, and measure each."),
        "compare": Command("dataengine.train.compare", "Judge the candidate against the champion."),
        "promote": Command("dataengine.train.promote", "Make a candidate with a good verdict the champion."),
        "summary": Command("dataengine.summary", "Show what the last run made, and what to do next."),
    },
    "Labels: data in, labels out and back": {
        "check": Command("dataengine.datasets.check", "Show what is wrong with a labelled set."),
        "find-mistakes": Command("dataengine.train.find_mistakes", "Rank labels by how likely they are wrong."),
        "label-video": Command("dataengine.train.label_video", "Label films of any length, frame by frame."),
        "agreement": Command("dataengine.datasets.agreement", "Measure how well two annotators agree."),
        "convert": Command("dataengine.datasets.convert", "Convert labelled people between keypoint formats."),
        "curate": Command("dataengine.active.curate", "Build or update the FiftyOne dataset of a run."),
        "app": Command("dataengine.active.app", "Open the FiftyOne App on what select chose."),
        "label-export": Command("dataengine.active.label_export", "Write the picks for an annotation tool."),
        "annotate-cvat": Command("dataengine.train.annotate_cvat", "Put the champion into CVAT's menu."),
        "label-import": Command("dataengine.active.label_import", "Check and keep what a person labelled."),
        "request": Command("dataengine.active.request", "Ask the next round for what this one failed on."),
        "ledger": Command("dataengine.rounds.ledger", "List what each round asked for, and what was answered."),
        "trace": Command("dataengine.tracing.trace_sample", "Follow a picture from its film or render to the models."),
        "freeze-clusters": Command("dataengine.datasets.freeze_clusters", "Keep this round's pose clusters for later."),
    },
    "Synthesis: inspect what is rendered": {
        "pose-sheet": Command("dataengine.blender.pose_sheet", "Draw the whole pose library on one page."),
        "render-clips": Command("dataengine.blender.render_clips", "Render labelled videos of people, with track ids."),
        "draw-motions": Command("dataengine.blender.draw_motions", "Draw people in motion as joints, for a lifter."),
        "check-renders": Command("dataengine.blender.check_renders", "Check labels against Blender's own depth."),
        "measure-like": Command("dataengine.blender.measure_like", "Measure how well the body fits real poses."),
    },
    "Models: the registry and its rounds": {
        "make-starter": Command("dataengine.train.make_starter", "Fit a network on renders alone, to begin with."),
        "pretrain": Command("dataengine.train.pretext.pretrain", "Teach a network by films without any label."),
        "fit-tracker": Command("dataengine.tracking.fit_tracker", "Learn who is who along a film, from poses."),
        "fit-lifter": Command("dataengine.lifter_fits.fit_lifter", "Learn joints in space from joints along a film."),
        "lift": Command("dataengine.lifting.lift", "Lift tracks of people to joints in space."),
        "prune": Command("dataengine.train.prune", "Make a network smaller: fewer channels, fitted again."),
        "infer": Command("dataengine.infer.infer", "Run a model on a film, pictures or a camera."),
        "serve": Command("dataengine.serving.serve", "Answer over gRPC; ask a candidate in the shadow."),
        "deploy": Command("dataengine.train.cluster.deploy", "Write Triton's repository and cluster manifests."),
        "bundle": Command("dataengine.train.edge.bundle", "Write a bundle for an Arm board or a Jetson."),
        "measure-bundle": Command(
            "dataengine.train.edge.measure_bundle", "Measure a bundle on emulated Arm processors."
        ),
        "history": Command("dataengine.registry.history", "List the registry: champion, archived, refused."),
        "diff": Command("dataengine.train.diff", "Compare two models: figures, params, data, files."),
        "adopt": Command("dataengine.train.adopt", "Find out how an unknown pose ONNX is fed and read."),
        "score": Command("dataengine.train.score", "Score networks, ours and others', on the same people."),
        "round": Command("dataengine.active.round", "Run one whole round, and leave one page."),
        "begin-round": Command("dataengine.train.begin_round", "Pin the present champion for the next round."),
        "rollback": Command("dataengine.registry.rollback", "Make an archived model champion again."),
    },
    "Studies: measurements over many runs": {
        "sweep-mix": Command("dataengine.datasets.sweep_mix", "Find the best ratio of synthetic to real."),
        "compare-recipes": Command("dataengine.datasets.compare_recipes", "Find the best recipe by number of labels."),
        "compare-renders": Command("dataengine.blender.compare_renders", "Find what about renders pays."),
        "study": Command("dataengine.active.study", "Find the rule of select that saves labels; forecast AP."),
        "campaign": Command("dataengine.active.campaign", "Measure whether the loop pays, round by round."),
        "compare-rounds": Command("dataengine.train.compare_rounds", "Measure what fine-tuning costs and forgets."),
        "compare-parts": Command(
            "dataengine.train.studies.parts.compare_parts", "Measure which parts of a fit pay on validation."
        ),
        "compare-distilled": Command(
            "dataengine.train.studies.distillation.compare_distilled", "Measure what a teacher adds to a network."
        ),
        "compare-scores": Command("dataengine.train.compare_scores", "Measure which score of a person ranks best."),
        "compare-mistakes": Command("dataengine.train.compare_mistakes", "Measure which label mistakes are found."),
        "compare-judges": Command("dataengine.judges.compare_judges", "Measure who knows where a teacher is wrong."),
        "compare-judged": Command(
            "dataengine.train.studies.judged.compare_judged", "Measure what a student gains under each judge."
        ),
        "compare-lifters": Command("dataengine.lifter_fits.compare_lifters", "Measure how well joints are lifted."),
        "compare-trackers": Command("dataengine.tracking.compare_trackers", "Measure who follows people best."),
        "compare-students": Command(
            "dataengine.train.studies.students.compare_students", "Measure what pictures without labels are worth."
        ),
        "compare-trust": Command("dataengine.train.compare_trust", "Measure what accepted pseudo-labels are worth."),
        "simulate-gate": Command("dataengine.train.simulate_gate", "Measure the gate's false promotions and power."),
        "simulate-coverage": Command(
            "dataengine.studies.interval_coverage", "Measure how often intervals hold the true gain."
        ),
    },
    "Set-up": {
        "doctor": Command("dataengine.doctor.doctor", "Show what this machine has and what is used."),
        "prepare-body": Command("dataengine.blender.prepare_body", "Build the body model's cache once."),
    },
}
COMMANDS: dict[str, Command] = {name: entry for panel in PANELS.values() for name, entry in panel.items()}


class LazyCommands(typer.core.TyperGroup):
    """A group whose commands are imported only when they are used."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        """Names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override]
        """Import the module of `cmd_name` and turn its function ``command`` into a command; None when unknown."""
        if cmd_name not in COMMANDS:
            return None
        single = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
        single.command(name=cmd_name)(import_module(COMMANDS[cmd_name].module).command)
        return typer.main.get_command(single)

    def format_commands(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        """The table by panels, with its one-line summaries, without importing anything."""
        widest = max(map(len, COMMANDS))
        for panel, commands in PANELS.items():
            with formatter.section(panel):
                formatter.write_dl([(name.ljust(widest), entry.summary) for name, entry in commands.items()])


app = typer.Typer(
    cls=LazyCommands,
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def cli(debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False) -> None:
    """A data engine for human pose models.

    `dvc repro` runs the whole chain; each stage also runs alone with the command that dvc.yaml gives for it.
    `dataengine COMMAND --help` explains one.
    """


def main(arguments: list[str] | None = None) -> Any:
    """Entry point: a user's mistake, a full disk and a missing permission are one line and exit code 2.

    A command that is stopped clears up and says so, by SIGTERM as by Ctrl-C.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    wait_briefly()
    try:
        with stopped_in_one_line():
            end_with_starter()
            return typer.main.get_command(app).main(args=arguments, prog_name="dataengine")
    except Exception as error:
        fault = "" if isinstance(error, DataEngineError) else write_fault(error)
        known = isinstance(error, DataEngineError | OSError)  # OSError: a missing file or folder is the user's mistake
        if "--debug" in arguments or os.environ.get("DATAENGINE_DEBUG") or not (known or fault):
            raise
        say_last(f"dataengine: error: {fault}; {MAKE_ROOM}" if fault else f"dataengine: error: {error}")
        raise SystemExit(2) from error


if __name__ == "__main__":
    main()
