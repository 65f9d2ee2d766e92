"""AP of a bundle's further networks on this machine, by its own `run.py`, against ONNX Runtime's FP32."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from dataengine.errors import InputError
from dataengine.evaluation.ap.protocol import OksProtocol
from dataengine.people import Images, People
from dataengine.terminal.speech import say

from ..deploy.params import MaxApDrop
from .parity import HERE, answers, ap_of, this_machine

REFERENCE_NETWORK = "fp32"


def refuse_lossy_networks(
    bundle: Path,
    networks: Sequence[str],
    labelled: tuple[People, Images],
    limits: MaxApDrop,
    protocol: OksProtocol,
    kept: Path,
) -> dict[str, float]:
    """AP of each network; `kept` is a folder for its answers.

    Raises:
        InputError: one loses more than `limits` has for its precision.
    """
    of_precision = asdict(limits)
    found = {
        name: ap_of(*labelled, answers(bundle, name, HERE, this_machine, *labelled, kept), protocol)
        for name in (REFERENCE_NETWORK, *networks)
    }
    for name in networks:
        precision = name.rpartition("-")[2]
        drop, limit = found[REFERENCE_NETWORK] - found[name], of_precision[precision]
        say(f"{name}: AP {found[name]:.4f}, ONNX Runtime's FP32 {found[REFERENCE_NETWORK]:.4f}")
        if drop > limit:
            fix = "calibrate on more crops, fit longer, or raise export.max_ap_drop." + precision
            raise InputError(f"{name} loses too much AP", expected=f"at most {limit:g}", got=f"{drop:.4f}", fix=fix)
    return found
