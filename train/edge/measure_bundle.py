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
from dataengine.terminal.options import PARAMS_FILE, ParamsFile
from dataengine.terminal.progress import track
from dataengine.terminal.speech import answer

from .aarch64_root import ready_machine
from .bundle_folder import DEVICE, NETWORKS, listed_files
from .emulation import CPUS
from .parity import HERE, Parity, answers, compare, this_machine
from .parity_page import PAGE, write_page

SCRIPT = "run.py"


def command(
    bundle: Annotated[Path, typer.Argument(help="Folder that `dataengine bundle` wrote.")],
    people: Annotated[Path, typer.Option(help="COCO JSON with labelled people, such as the validation set.")],
    report: Annotated[Path, typer.Option(help="Folder for edge.md and metrics.json.")],
    cpu: Annotated[list[str] | None, typer.Option(help="Processor to emulate; repeat. Default: all known.")] = None,
    cache: Annotated[Path, typer.Option(help="Folder of the aarch64 system, made once.")] = Path("data/cache/aarch64"),
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Run a bundle on emulated aarch64 processors, and compare joints and AP with this machine's.

    The system comes from apt and pip and is kept in --cache (about 200 MB); no root is needed and nothing is installed.
    Every run is of the bundle's own run.py, with the wheels that its requirements pin. FP32 takes about two seconds a
    person, INT8 half a second. A stopped run goes on. Times under emulation say nothing about a board.

    Example: dataengine measure-bundle models/bundle --people data/ingest/val.json --report reports/bundle
    """
    run(bundle, people, report, cpus=cpu or list(CPUS), cache=cache, params=params)


def run(bundle: Path, people: Path, report: Path, *, cpus: list[str], cache: Path, params: Path) -> None:
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
    protocol, machine, kept = load_protocol(params), ready_machine(cache), report / "answers"
    here = {network: answers(bundle, network, HERE, this_machine, *labelled, kept) for network in NETWORKS}
    rows: list[Parity] = []
    for name in track(cpus, "processors"):
        done = machine.run(name, [str(bundle / SCRIPT), "--check"])
        check = "passes" if not done.returncode else last_line(done.stderr)
        for network in NETWORKS:
            there = answers(bundle, network, name, partial(machine.run, name), *labelled, kept)
            rows.append(
                compare(network, name, there, here[network], *labelled, spec=meta.crop, check=check, protocol=protocol)
            )
            answer(f"{network} on {name}: AP {rows[-1].ap:.4f}, here {rows[-1].ap_here:.4f}; the check {check}")
    write_json(report / "metrics.json", {"files": sizes, "runs": [asdict(row) for row in rows]})
    write_page(report / PAGE, sizes, rows, people=len(labelled[0]), source=str(people))
    answer(f"{report / PAGE} has the table")


def _refuse_foreign_code(bundle: Path) -> None:
    """Its run.py is run on this machine, too: so it has to be ours, whatever the bundle's own checksums say."""
    if not (bundle / SCRIPT).is_file() or sha256_file(bundle / SCRIPT) != sha256_file(DEVICE / SCRIPT):
        fix = "write the bundle again with `dataengine bundle`; other code is not run here"
        raise InputError(f"{bundle / SCRIPT} is not this version's", fix=fix)
