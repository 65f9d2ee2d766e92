"""Runtimes beyond ONNX Runtime that a bundle is asked for: what they need, what writes them, what they may lose."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from dataengine.coco_json import read_project_people
from dataengine.errors import InputError
from dataengine.evaluation.ap.protocol import COCO, OksProtocol
from dataengine.files import sha256_file, short_sha256
from dataengine.inference.exported import ExportedModel
from dataengine.nets.checkpoint import WEIGHTS_NAME

from ..deploy.calibration_crops import calibration_people, network_inputs
from ..deploy.params import ExportParams
from .accuracy_here import refuse_lossy_networks
from .bundle_folder import Maker
from .conversion import scratch_folder
from .litert_files import ENVIRONMENT, require_litert, write_litert
from .runtimes import LITERT, ONNX, RUNTIMES, TVM
from .tvm_files import require_tvm, write_tvm


@dataclass(frozen=True)
class ExtraRuntimes:
    """What `--with` named, and what that needs; LiteRT needs both sets of people."""

    names: Sequence[str]
    params: ExportParams
    calibration: Path | None = None
    val: Path | None = None
    converter: Path = ENVIRONMENT
    protocol: OksProtocol = COCO

    def __post_init__(self) -> None:
        known = [name for name in RUNTIMES if name != ONNX]
        unknown = next((name for name in self.names if name not in known), None)
        if unknown is not None:
            raise InputError("--with names no runtime", expected=" | ".join(known), got=unknown)

    def makers(self, model: ExportedModel) -> list[Maker]:
        """What writes the files.

        Raises:
            EnvironmentFault: a converter is not installed.
            InputError: LiteRT lacks people, or the network's weights.
        """
        made: list[Maker] = []
        if LITERT in self.names:
            made.append(self._litert(model))
        if TVM in self.names:
            made.append(partial(write_tvm, python=require_tvm()))
        return made

    def refuse_lossy(self, bundle: Path) -> None:
        """Raise `InputError` if a network of LiteRT loses more AP than `export.max_ap_drop` on the people of `val`."""
        if LITERT in self.names and self.val is not None:
            networks, labelled = RUNTIMES[LITERT].networks, read_project_people(self.val)
            with scratch_folder() as kept:
                refuse_lossy_networks(bundle, networks, labelled, self.params.max_ap_drop, self.protocol, kept)

    def _litert(self, model: ExportedModel) -> Maker:
        python = require_litert(self.converter)
        if self.calibration is None or self.val is None:
            option = "--calibration" if self.calibration is None else "--val"
            raise InputError(f"LiteRT needs {option}", fix="name people to calibrate on, and people to measure AP on")
        if WEIGHTS_NAME not in model.sha256:
            raise InputError(f"{model.folder} has no {WEIGHTS_NAME}", fix="export again")
        held = calibration_people(self.calibration, model.meta, self.params)
        facts = {"people": len(held.people), "data_sha256": short_sha256(sha256_file(self.calibration))}
        images = network_inputs(held, model.meta)
        return partial(write_litert, python=python, images=images, calibration=facts)
