"""The decision: which device the workers of a run render on. For the parent, which does not load Blender."""

from pathlib import Path

import typer

from dataengine.errors import EnvironmentFault

from ..cycles.device import DeviceWish, no_such_device
from ..scene.params import RenderParams
from ..workers.interpreter import about
from .driver import may_have_gpu
from .memory import key_of, memory_file, recall, remember
from .proof import Proof, ProofLimits, devices_here, prove


def resolve_device(params: RenderParams, python: Path) -> DeviceWish:
    """The device for `params.device`: "cpu", or one of `GPU_TYPES` that has rendered a picture here.

    "auto" takes the first that does, and says in one line why the CPU is taken where a GPU is there. Raises
    `EnvironmentFault` for a device asked for by name that is not there or gives no picture.
    """
    wish = params.device
    if wish == "cpu" or (wish == "auto" and not may_have_gpu()):
        return "cpu"
    there = devices_here(python)
    if wish not in ("auto", *there):
        raise no_such_device(wish, tuple(there))
    limits = ProofLimits(params.device_proof_s, params.image_timeout_s)
    reasons = []
    for device in there if wish == "auto" else (wish,):
        proof = _proved(device, there[device], python, limits)
        if proof.works:
            return device
        reasons.append(f"{device}: {proof.why}")
    if wish != "auto":
        raise EnvironmentFault("render.device gives no picture", got=reasons[0], fix=f"set auto or cpu; {_again()}")
    if reasons:
        typer.echo(f"render: on the CPU ({'; '.join(reasons)}); {_again()}", err=True)
    return "cpu"


def _proved(device: DeviceWish, names: list[str], python: Path, limits: ProofLimits) -> Proof:
    key = key_of(device, names, about(python).bpy)
    proof = recall(key, limits.first_s)
    if proof is None:
        proof = prove(device, python, limits)
        remember(key, proof)
    return proof


def _again() -> str:
    return f"to try again, raise render.device_proof_s or delete {memory_file()}"
