"""`dataengine bundle`: an export as a folder that runs on an aarch64 device by itself, and can prove that it does."""

from pathlib import Path
from typing import Annotated

import typer

from dataengine.evaluation.own_sigmas import load_protocol
from dataengine.files import fresh_folder
from dataengine.inference.exported import load_exported
from dataengine.params import load_section
from dataengine.terminal.folders import (
    contents_of_ours,
    folder_argument,
    folder_option,
    out_folder_option,
    would_be_replaced,
)
from dataengine.terminal.options import PARAMS_FILE, ParamsFile
from dataengine.terminal.speech import answer

from ..deploy.params import ExportParams
from .bundle_folder import REFERENCE, WRITTEN, other_files, refuse_unfit, write_bundle
from .extras import ExtraRuntimes
from .litert_files import ENVIRONMENT
from .references import drawn, people_of

SEED, MOST = 0, 1000


def command(
    export: Annotated[Path, folder_argument(help="Folder that `dataengine export` wrote.")],
    out: Annotated[Path, out_folder_option(help="Folder to write.")],
    references: Annotated[
        Path | None,
        typer.Option(help="COCO JSON whose people the device proves itself by; they are copied into the bundle."),
    ] = None,
    count: Annotated[int, typer.Option(min=1, max=MOST, help="How many of them.")] = 8,
    runtimes: Annotated[
        list[str] | None, typer.Option("--with", help="litert | tvm: a runtime next to ONNX Runtime; repeat for both.")
    ] = None,
    calibration: Annotated[
        Path | None, typer.Option(help="COCO JSON with training people: LiteRT's INT8 takes its ranges from them.")
    ] = None,
    val: Annotated[
        Path | None, typer.Option(help="COCO JSON with validation people, to measure LiteRT's AP on.")
    ] = None,
    converter: Annotated[Path, folder_option(help="Environment with LiteRT's converter.")] = ENVIRONMENT,
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Write a bundle for an aarch64 device: ONNX Runtime in FP32 and INT8, and TensorRT built on the device.

    --with litert adds LiteRT's FP32 and INT8, --with tvm a library that TVM compiled. A file of LiteRT that loses more
    AP than export.max_ap_drop fails, as an export does; a library of TVM that moves the reference people's joints too.

    The device needs Python with the packages of OUT/requirements.txt, pinned by hashes. There `run.py --check` compares
    every file's checksum and the joints of the reference people, `run.py` prints joints for pictures and boxes, and
    `build_engine.py` has a Jetson's own trtexec build an engine, which stays only if its joints are right.

    The reference people are drawn figures unless --references names a set; renders are good ones. People of a
    photograph travel with the bundle, so name no set that may not leave this machine.

    Example: dataengine bundle models/export --out models/bundle --references data/render/people.json
    """
    extras = None
    if runtimes:
        section, protocol = load_section(params, "export", ExportParams), load_protocol(params)
        extras = ExtraRuntimes(runtimes, section, calibration, val, converter, protocol)
    run(export, out, references=references, count=count, extras=extras)


def run(
    export: Path,
    out: Path,
    *,
    references: Path | None = None,
    count: int = 8,
    extras: ExtraRuntimes | None = None,
) -> None:
    """Write it to `out`; what an earlier call wrote there is replaced.

    Raises:
        InputError: the export is damaged, was adopted or lacks a file; `out` holds something else; or a network of
            `extras` loses too much.
        EnvironmentFault: a converter is missing, or failed.
    """
    contents_of_ours(out, WRITTEN, "a bundle")
    other = next(iter(other_files(out)), None)
    if other is not None:
        raise would_be_replaced(out, "a bundle, or nothing", other)
    model = load_exported(export)
    refuse_unfit(model)
    makers = extras.makers(model) if extras else []
    with fresh_folder(out) as folder:
        pictures = folder / REFERENCE / "pictures"
        people = (
            drawn(pictures, count, SEED)
            if references is None
            else people_of(references, pictures, count, model.meta.crop)
        )
        write_bundle(folder, model, people, makers)
        if extras:
            extras.refuse_lossy(folder)
    answer(f"{out} is the bundle of {model.id}; on the device: python3 run.py --check")
