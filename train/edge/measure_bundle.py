"""`dataengine measure-bundle`: a bundle run under qemu-user, its joints and AP against this machine's."""

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from dataengine.coco_json import read_project_people
from dataengine.environments.virtual_environment import last_line
from dataengine.errors import InputError
from dataengine.evaluation.own_sigmas import load_protocol
from dataengine.files import read_json, sha256_file, write_json
from dataengine.inference.exported import SIDECAR
from dataengine.nets.checkpoint import ModelMeta
from dataengine.terminal.folders import folder_argument, kept_folder_option, out_folder_option
from dataengine.terminal.options import PARAMS_FILE, ParamsFile
from dataengine.terminal.progress import track
from dataengine.terminal.speech import answer

from .aarch64_root import ready_machine
from .bundle_folder import DEVICE, SCRIPTS, WRITTEN, listed_files, networks_of
from .emulation import CPUS
from .parity import HERE, Parity, answers, compare, this_machine
from .parity_page import PAGE, write_page
from .runtimes import TVM, runtime_of

SCRIPT = "run.py"
STANDS_FOR = {"tvm-fp32": "fp32"}
"""Network that does not run here -> the one whose joints it has to find."""


def command(
    bundle: Annotated[Path, folder_argument(help="Folder that `dataengine bundle` wrote.")],
    people: Annotated[Path, typer.Option(help="COCO JSON with labelled people, such as the validation set.")],
    report: Annotated[Path, out_folder_option(help="Folder for edge.md and metrics.json.")],
    cpu: Annotated[list[str] | None, typer.Option(help="Processor to emulate; repeat. Default: all known.")] = None,
    run_library: Annotated[
        bool, typer.Option("--run-library", help="Run TVM's library too: machine code, so only if you made the bundle.")
    ] = False,
    cache: Annotated[Path, kept_folder_option(help="Folder of the aarch64 system, made once.")] = Path(
        "data/cache/aarch64"
    ),
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Run a bundle on emulated aarch64 processors, and compare joints and AP with this machine's.

    The system comes from apt and pip and is kept in --cache (about 200 MB); no root is needed and nothing is installed.
    Every run is of the bundle's own run.py, with the wheels that its requirements pin. FP32 takes about two seconds a
    person, INT8 half a second. A stopped run goes on. Times under emulation say nothing about a board. TVM's library
    runs only with --run-library, and is compared with ONNX Runtime's FP32.

    Example: dataengine measure-bundle models/bundle --people data/ingest/val.json --report reports/bundle
    """
    cpus = cpu or list(CPUS)
    run(bundle, people, report, cpus=cpus, cache=cache, params=params, run_library=run_library)


def run(
    bundle: Path,
    people: Path,
    report: Path,
    *,
    cpus: list[str],
    cache: Path,
    params: Path,
    run_library: bool = False,
) -> None:
    """Write edge.md and metrics.json to `report`.

    Raises:
        InputError: an unknown processor, no bundle of this version, or people that cannot be read.
        EnvironmentFault: the aarch64 system cannot be made, or run.py fails.
    """
    unknown = next((name for name in cpus if name not in CPUS), None)
    if unknown is not None:
        raise InputError("a processor is unknown", expected=" | ".join(CPUS), got=unknown)
    sizes, labelled = listed_files(bundle), read_project_people(people)
    _refuse_foreign_code(bundle)
    meta = ModelMeta.from_json(read_json(bundle / SIDECAR)["model"])
    networks = [name for name in networks_of(bundle) if run_library or runtime_of(name) != TVM]
    runtimes = list(dict.fromkeys(map(runtime_of, networks)))
    protocol, machine, kept = load_protocol(params), ready_machine(cache, runtimes), report / "answers"
    here = {name: answers(bundle, STANDS_FOR.get(name, name), HERE, this_machine, *labelled, kept) for name in networks}
    rows: list[Parity] = []
    for name in track(cpus, "processors"):
        done = machine.run(name, [str(bundle / SCRIPT), "--check"])
        check = "passes" if not done.returncode else last_line(done.stderr)
        for network in networks:
            there = answers(bundle, network, name, partial(machine.run, name), *labelled, kept)
            rows.append(
                compare(network, name, there, here[network], *labelled, spec=meta.crop, check=check, protocol=protocol)
            )
            answer(f"{network} on {name}: AP {rows[-1].ap:.4f}, here {rows[-1].ap_here:.4f}; the check {check}")
    write_json(report / "metrics.json", {"files": sizes, "runs": [asdict(row) for row in rows]})
    write_page(report / PAGE, sizes, rows, people=len(labelled[0]), source=str(people))
    answer(f"{report / PAGE} has the table")


def _refuse_foreign_code(bundle: Path) -> None:
    """Its run.py is run on this machine, too: so it has to be ours, whatever the bundle's own checksums say.

    Nothing else may lie there that Python would import instead of its own: a module, or one that was compiled.
    """
    fix = "write the bundle again with `dataengine bundle`; other code is not run here"
    for name in SCRIPTS:
        if not (bundle / name).is_file() or sha256_file(bundle / name) != sha256_file(DEVICE / name):
            raise InputError(f"{bundle / name} is not this version's", fix=fix)
    foreign = next((entry for entry in sorted(bundle.iterdir()) if entry.name not in WRITTEN), None)
    if foreign is not None:
        raise InputError(f"{foreign} belongs to no bundle", fix="remove it")
