"""Command `prune`: smaller networks out of a student, fitted again, with a table of what each costs and brings."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from dataengine.evaluation.ap.protocol import COCO, OksProtocol
from dataengine.evaluation.own_sigmas import load_protocol
from dataengine.params import load_section
from dataengine.terminal.folders import contents_of_ours, folder_option, out_folder_option, would_be_replaced
from dataengine.terminal.options import PARAMS_FILE, HeldOut, ParamsFile

from .fit.params import BASE
from .smaller.params import PruneParams


def command(
    student: Annotated[Path, folder_option(help="Checkpoint folder of the network to make smaller.")],
    mix: Annotated[Path, folder_option(help="Folder that the stage mix wrote, to fit on.")],
    val: Annotated[Path, typer.Option(help="Labelled people to validate the fits on, COCO JSON.")],
    test: Annotated[Path, typer.Option(help="Other labelled people, on whom all networks are measured, COCO JSON.")],
    out: Annotated[Path, out_folder_option(help="Folder for a checkpoint folder per share, such as macs-0.50.")],
    report: Annotated[
        Path, out_folder_option(help="Folder for compression.md, its plot, and the reports of the fits.")
    ],
    also: Annotated[
        list[Path] | None, folder_option(help="Checkpoint folder of another network to measure; may be repeated.")
    ] = None,
    held_out: HeldOut = None,
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Remove channels from a network, fit what is left, and measure size, time and AP.

    For each share in prune.keep of the products (prune.by: or parameters) the channels with the smallest norms are
    removed, with all layers that depend on them, and the network is fitted again on the mix, learning from the student
    as well (prune.teach). Each is a checkpoint like that of a fit: `export` and `fit-student.start_from` take it. A
    checkpoint that is there already, of the same student, params and data, is not made again.

    The page compares them with the student itself, the student fitted on as long, each network before its fit, and the
    student with as many single weights set to zero. Choose by validation people: a test set that chooses is used up.

    No picture may be in two of --mix, --val and --test.

    Params come from section `prune`, and from `fit` for what all fits share.

    Example: dataengine prune --student models/fit-student --mix data/mix --val data/ingest/val.json --test data/ingest/test.json --out models/prune --report reports/prune
    """  # noqa: E501  an example is one line to copy
    section = load_section(params, "prune", PruneParams, base=BASE)
    protocol = load_protocol(params)
    run(
        section,
        student=student,
        mix=mix,
        val=val,
        test=test,
        out=out,
        report=report,
        also=also or (),
        held_out=held_out,
        protocol=protocol,
    )


def run(
    params: PruneParams,
    *,
    student: Path,
    mix: Path,
    val: Path,
    test: Path,
    out: Path,
    report: Path,
    also: Sequence[Path] = (),
    held_out: Path | None = None,
    protocol: OksProtocol = COCO,
    runs: int = 60,
) -> None:
    """Write the checkpoints and the page; files are timed at least `runs` times each.

    Raises:
        InputError: the student cannot be pruned, or not so far, or would be replaced; a picture is in two of `mix`,
            `val` and `test`; or as in `fit_student.run`.
    """
    import numpy as np

    from dataengine.coco_json import read_project_people
    from dataengine.nets.checkpoint import load_checkpoint
    from dataengine.studies.one_at_a_time import one_at_a_time
    from dataengine.studies.shared_pictures import refuse_shared_pictures
    from dataengine.terminal.speech import answer

    from .fit.learnt_from.reading import MIX_PEOPLE
    from .fit.params import CHECKPOINT_FILES, REPORT_FILES
    from .smaller import page
    from .smaller.measuring import Measuring, sizes
    from .smaller.refitting import prune_one, start_of
    from .smaller.removing import refuse_other_layers, with_zeros

    net, meta = load_checkpoint(student)
    refuse_other_layers(net, meta)
    learnt_people, learnt_images = read_project_people(mix / MIX_PEOPLE)
    people, images = read_project_people(test)
    refuse_shared_pictures({"--mix": learnt_images, "--val": read_project_people(val)[1], "--test": images})
    shares: dict[str, float | None] = {"fitted-on": None}
    shares |= {f"{params.by}-{share:.2f}": share for share in params.keep}
    for name in shares:  # each is replaced whole, which no option can tell
        if (out / name).resolve() == student.resolve():
            raise would_be_replaced(out / name, "another network", "--student")
        contents_of_ours(out / name, CHECKPOINT_FILES, "a checkpoint")
        contents_of_ours(report / name, REPORT_FILES, "the report of a fit", "--report")
    networks = {"student": (net, meta)}
    with one_at_a_time(report):
        for name, share in shares.items():
            made = prune_one(
                params,
                share,
                student=student,
                mix=mix,
                val=val,
                held_out=held_out,
                out=out / name,
                report=report / name,
                protocol=protocol,
            )
            networks[name] = load_checkpoint(made)
            if share is not None:
                networks[f"{name}, not fitted again"] = start_of(made)
                networks[f"{1 - share:.2f} of weights zero"] = with_zeros(net, 1 - share), meta
    networks |= {str(path): load_checkpoint(path) for path in also}
    drawn = np.sort(np.random.default_rng(params.seed).permutation(len(learnt_people))[:64])
    given = Measuring(people, images, (learnt_people.take(drawn), learnt_images), protocol, runs, params.seed)
    with tempfile.TemporaryDirectory() as scratch:
        rows = sizes(networks, given, Path(scratch))
    facts = [
        f"{meta.network}, {meta.head} head, {meta.input_width_px} x {meta.input_height_px} px;",
        f"fitted again for {params.epochs} epochs; AP on {len(people)} people of {test}.",
    ]
    page.write(report, rows, facts)
    for line in page.lines(rows, facts):
        answer(line)
