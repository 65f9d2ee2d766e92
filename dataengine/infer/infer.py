"""`dataengine infer`: a model run on a film, a picture, a folder of pictures or a camera."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from dataengine.errors import ParamsError
from dataengine.terminal.folders import folder_option, out_folder_option
from dataengine.terminal.speech import answer, say

DETECT_EVERY = 15


def command(
    model: Annotated[
        Path,
        typer.Argument(
            help="Folder of a fit's checkpoint, of an export or of `dataengine adopt`; or an export's .onnx."
        ),
    ],
    source: Annotated[str, typer.Argument(help="A film, a picture, a folder of pictures, or a camera's number.")],
    out: Annotated[
        Path,
        out_folder_option(
            help="Folder to write: people.json, overlay.mp4 (or overlay/), summary.json.",
        ),
    ],
    boxes: Annotated[
        Path | None,
        typer.Option(
            help="COCO JSON with the people's boxes, instead of a detector's: by `frame`, or by names in the folder; "
            "for a film also a COCO results list, or MOTChallenge's .txt."
        ),
    ] = None,
    detector: Annotated[
        str, typer.Option(help="Who finds people: blazepose, or a folder or owner/name@commit of RT-DETR or D-FINE.")
    ] = "blazepose",
    box_score: Annotated[
        float | None,
        typer.Option(help="Least score of a box, of --detector or --boxes.", show_default="0.5; files: all boxes"),
    ] = None,
    detect_every: Annotated[
        int, typer.Option(help="Look for people in every n-th frame of a film, and whenever somebody is lost.")
    ] = DETECT_EVERY,
    overlay: Annotated[bool, typer.Option(help="Write the film, or the pictures, with the people drawn in.")] = True,
    flip_test: Annotated[
        bool, typer.Option("--flip-test", help="Average with the answer on the mirror image: twice the time.")
    ] = False,
    device: Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="What the network runs on.")] = "auto",
    fetched: Annotated[
        Path, folder_option(help="Folder that the stage fetch wrote; BlazePose's models are read from its mediapipe/.")
    ] = Path("data/fetch"),
) -> None:
    """Run a model on a film, a picture, a folder of pictures or a camera.

    BlazePose's detector finds people in every 15th frame; in between their boxes follow from the joints found last. A
    picture of a folder stands by itself, so people are looked for in each. people.json is COCO JSON with a score and
    the confidence of each joint (joint_confidence); in films with track ids. summary.json and the last lines say how
    long each step took: reading, detecting, estimating and writing go on at the same time.

    A picture that cannot be read is reported and left out. Ctrl-C ends a film or a camera, and what was read until then
    is written whole. After any other fault there is nothing under the final names.

    Example: dataengine infer models/fit-student walk.mp4 --out reports/infer
    """
    summary = run(
        model,
        source,
        out,
        boxes=boxes,
        detector=detector,
        box_score=box_score,
        detect_every=detect_every,
        overlay=overlay,
        flip_test=flip_test,
        device=device,
        fetched=fetched,
    )
    if summary["stopped"] and not summary["live"]:
        raise typer.Exit(130)  # as the shell has it for Ctrl-C


def run(
    model: Path,
    source: str,
    out: Path,
    *,
    boxes: Path | None = None,
    detector: str = "blazepose",
    box_score: float | None = None,
    detect_every: int = DETECT_EVERY,
    overlay: bool = True,
    flip_test: bool = False,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    fetched: Path = Path("data/fetch"),
) -> dict[str, Any]:
    """Run it, and return what `summary.json` holds.

    Raises:
        InputError: model, source or boxes are not what they should be, or a result would be written over an input.
        EnvironmentFault: the device, the camera, an encoder or room on the disk is missing.
    """
    from dataengine.films.detectors import check_choice
    from dataengine.hardware.threads import available_cores
    from dataengine.inference.running.devices import choose_device

    from .detecting import looking_at
    from .estimating import Estimator
    from .keeping import check_inputs_stay, check_overlay_is_ours
    from .models import open_model
    from .running import SUMMARY, Inference, infer_source, summary_lines
    from .side_by_side import side_by_side
    from .sinks import OVERLAY, PEOPLE
    from .sources import open_source

    if detect_every < 1:
        raise ParamsError("--detect-every does not fit", expected="1 or more", got=str(detect_every))
    check_choice(detector, boxes, box_score)
    opened = open_source(source, out)
    check_inputs_stay(out, [*([] if opened.is_live else [Path(source)]), *([boxes] if boxes else [])])
    if overlay and not opened.video:
        check_overlay_is_ours(out)
    # a camera shows a picture at a time, and a GPU needs no threads
    alone = opened.is_live or choose_device(device).type == "cuda"
    workers = 1 if alone else available_cores()
    network = open_model(model, device, threads=None if alone else 1)
    if network.line:
        say(network.line)
    looking = looking_at(
        opened, boxes=boxes, fetched=fetched, every=detect_every, detector=detector, least_score=box_score
    )
    follows = bool(opened.video) and boxes is None
    facts = {
        "source": opened.name,
        "live": opened.is_live,
        "model": str(model),
        "detector": looking.name,
        "detect_every": detect_every if follows else 1,
        "flip_test": flip_test,
    }
    with side_by_side(workers) as threads:
        inference = Inference(Estimator(network, flip_test, threads), looking, follows)
        summary = infer_source(opened, inference, out, facts, overlay=overlay)
    drawn = sorted(out.glob(f"{OVERLAY}.*" if opened.video else OVERLAY)) if overlay else []
    written = [out / PEOPLE, *drawn, out / SUMMARY]
    for line in summary_lines(summary, written):
        answer(line)
    return summary
