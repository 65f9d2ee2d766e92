"""The decision which device the workers of a run render on; made by the parent, which does not load Blender."""

from pathlib import Path

from dataengine.errors import EnvironmentFault
from dataengine.terminal.speech import say

from ..cycles.device import DeviceWish, no_such_device
from ..scene.params import RenderParams
from ..workers.interpreter import about
from .driver import may_have_gpu
from .memory import key_of, memory_file, recall, remember
from .proof import Proof, ProofLimits, devices_here, prove


def resolve_device(params: RenderParams, python: Path) -> DeviceWish:
    """The device for `params.device`: "cpu", or one of `GPU_TYPES` that has rendered an image here.

    "auto" takes the first that does; if there is a GPU and the CPU is taken, one line says why. Raises
    `EnvironmentFault` for a device named in the params that is absent or produces no image.
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
        say(f"render: on the CPU ({'; '.join(reasons)}); {_again()}")
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
