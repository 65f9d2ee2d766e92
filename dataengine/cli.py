"""The command line: a lazy table of names to modules.

``dataengine --help`` reads only this table, so it loads neither torch, bpy nor fiftyone; a module is imported when
its command runs or its own help is asked for.

Adding a command: write a module with a function ``command`` whose parameters are annotated with `typer.Option` and
whose docstring teaches, then add one line to `COMMANDS`. Stage name = command = section of ``params.yaml`` =
module = results folder.
"""

import os
import sys
from importlib import import_module
from typing import Annotated, Any

import typer
import typer.core
import typer.main

from dataengine.errors import DataEngineError

COMMANDS: dict[str, tuple[str, str]] = {
    # stages, in the order of the DAG
    "fetch": ("dataengine.datasets.fetch", "Get the default real videos and models, checked by sha256."),
    "ingest": ("dataengine.datasets.ingest", "Make the labelled real set, or check and split your own sets."),
    "render": ("dataengine.blender.render", "Render synthetic people with exact keypoints, visibility and masks."),
    "balance": ("dataengine.datasets.balance", "Cluster poses and give the rare ones repeat factors."),
    "mix": ("dataengine.datasets.mix", "Write the training index: synthetic to real at an exact ratio."),
    "fit-teacher": ("dataengine.train.fit_teacher", "Fit the teacher network on the mix."),
    "pseudo-label": ("dataengine.train.pseudo_label", "Label unlabelled video with teachers that must agree."),
    "fit-student": ("dataengine.train.fit_student", "Fit the student on the mix and the pseudo-labels."),
    "select": ("dataengine.active.selection", "Choose what a person should label next; build the FiftyOne view."),
    "export": ("dataengine.train.export", "Write ONNX, FP16, INT8 and the TensorRT engine, and measure each."),
    "compare": ("dataengine.train.compare", "Candidate against champion on the frozen test set: a verdict."),
    "promote": ("dataengine.train.promote", "Make a candidate with a good verdict the champion."),
    # around the DAG
    "check": ("dataengine.datasets.check", "Show what is wrong with a labelled set; change nothing."),
    "app": ("dataengine.active.app", "Open the FiftyOne App on what select chose."),
    "freeze-clusters": ("dataengine.datasets.freeze_clusters", "Keep this round's pose clusters for later rounds."),
    "sweep-mix": ("dataengine.datasets.sweep_mix", "Measure which ratio of synthetic to real is best on your data."),
    "compare-recipes": ("dataengine.datasets.compare_recipes", "Measure which recipe is best for how many labels."),
    "compare-rounds": (
        "dataengine.train.compare_rounds",
        "Measure what fine-tuning costs and forgets against a full fit.",
    ),
    "label-export": ("dataengine.active.label_export", "Write the picks as COCO JSON for an annotation tool."),
    "label-import": ("dataengine.active.label_import", "Check what a person labelled and keep it by its hash."),
    "history": ("dataengine.train.history", "List the registry: champion, archived, refused."),
    "rollback": ("dataengine.train.rollback", "Make an archived model champion again, with a reason."),
    "diff": ("dataengine.train.diff", "Set two models of the registry side by side: figures, params, data, files."),
    "begin-round": ("dataengine.train.begin_round", "Pin the present champion for the next round."),
    "summary": ("dataengine.summary", "Say what the last run made, where it lies, and what to do next."),
    "pose-sheet": ("dataengine.blender.pose_sheet", "Draw the whole pose library on one page."),
    "check-renders": (
        "dataengine.blender.check_renders",
        "Check rendered labels against Blender's projection and depth.",
    ),
    "render-clips": ("dataengine.blender.render_clips", "Render labelled videos of moving people, with track ids."),
    "measure-like": ("dataengine.blender.measure_like", "Measure how well the body fits real poses (render --like)."),
    "simulate-gate": ("dataengine.train.simulate_gate", "Measure the gate's false promotions and its power."),
    "simulate-coverage": (
        "dataengine.studies.interval_coverage",
        "Measure how often the intervals of gains hold the truth.",
    ),
    "convert": ("dataengine.datasets.convert", "Convert labelled people between keypoint formats."),
    "prepare-body": ("dataengine.blender.prepare_body", "Build the body model's cache once (set-up does)."),
}


class LazyCommands(typer.core.TyperGroup):
    """A group whose commands are imported only when they are used."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        """Names in the order of the table, which is the order of the DAG."""
        return list(COMMANDS)

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override]
        """Import the module of `cmd_name` and turn its function ``command`` into a command; None when unknown."""
        if cmd_name not in COMMANDS:
            return None
        single = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
        single.command(name=cmd_name)(import_module(COMMANDS[cmd_name][0]).command)
        return typer.main.get_command(single)

    def format_commands(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        """The table with its one-line helps, without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


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
    """Entry point: a user's mistake is one line on standard error and exit code 2."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        return typer.main.get_command(app).main(args=arguments, prog_name="dataengine")
    except (DataEngineError, OSError) as error:  # a file or folder that is not there is the user's to mend too
        if "--debug" in arguments or os.environ.get("DATAENGINE_DEBUG"):
            raise
        print(f"dataengine: error: {error}", file=sys.stderr)
        raise SystemExit(2) from error


if __name__ == "__main__":
    main()
