"""`dataengine bundle`: an export as a folder that runs on an aarch64 device by itself, and can prove that it does."""

from pathlib import Path
from typing import Annotated

import typer

from dataengine.files import fresh_folder
from dataengine.inference.exported import SIDECAR, load_exported
from dataengine.terminal.options import named_folder
from dataengine.terminal.speech import answer

from ..deploy.out_folder import contents_of_ours
from .bundle_folder import (
    BUILT,
    DECODER,
    DEVICE_FILES,
    NETWORKS,
    REFERENCE,
    SUMS,
    TENSORRT_NETWORK,
    pose_file,
    refuse_unfit,
    write_bundle,
)
from .references import drawn, people_of

WRITTEN = frozenset(
    {
        *map(pose_file, NETWORKS),
        *DEVICE_FILES,
        SIDECAR,
        REFERENCE,
        SUMS,
        TENSORRT_NETWORK,
        DECODER,
        "README.md",
        BUILT,
    }
)
SEED, MOST = 0, 1000


def command(
    export: Annotated[Path, typer.Argument(help="Folder that `dataengine export` wrote.")],
    out: Annotated[Path, typer.Option(help="Folder to write.", parser=named_folder, metavar="PATH")],
    references: Annotated[
        Path | None,
        typer.Option(help="COCO JSON whose people the device proves itself by; they are copied into the bundle."),
    ] = None,
    count: Annotated[int, typer.Option(min=1, max=MOST, help="How many of them.")] = 8,
) -> None:
    """Write a bundle for an aarch64 device: ONNX Runtime in FP32 and INT8, and TensorRT built on the device.

    The device needs Python with the packages of OUT/requirements.txt, pinned by hashes. There `run.py --check` compares
    every file's checksum and the joints of the reference people, `run.py` prints joints for pictures and boxes, and
    `build_engine.py` has a Jetson's own trtexec build an engine, which stays only if its joints are right.

    The reference people are drawn figures unless --references names a set; renders are good ones. People of a
    photograph travel with the bundle, so name no set that may not leave this machine.

    Example: dataengine bundle models/export --out models/bundle --references data/render/people.json
    """
    run(export, out, references=references, count=count)


def run(export: Path, out: Path, *, references: Path | None = None, count: int = 8) -> None:
    """Write it to `out`; what an earlier call wrote there is replaced.

    Raises:
        InputError: the export is damaged, was adopted or lacks a file; or `out` holds something else.
    """
    contents_of_ours(out, WRITTEN, "a bundle")
    model = load_exported(export)
    refuse_unfit(model)
    with fresh_folder(out) as folder:
        pictures = folder / REFERENCE / "pictures"
        people = (
            drawn(pictures, count, SEED)
            if references is None
            else people_of(references, pictures, count, model.meta.crop)
        )
        write_bundle(folder, model, people)
    answer(f"{out} is the bundle of {model.id}; on the device: python3 run.py --check")
