"""The two INT8 files of a model, with as few layers in float as their budget of AP asks for.

Calibration people give the ranges of the activations and say, without their labels, which layers the error comes from;
validation people say how much AP a file loses.
"""

import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataengine.inference.exported import ONNX_FP32, ONNX_INT8, ONNX_INT8_TRT
from dataengine.inference.held_crops import HeldCrops
from dataengine.inference.running.predict import Prediction, Runner, onnx_runner
from dataengine.terminal.progress import track
from dataengine.terminal.speech import say

from .accuracy import Ruler, distance_px
from .attention import attention_sums
from .calibration_crops import network_inputs
from .last_layer import LastLayerErrors, last_layer_errors
from .layer_search import Blamed, blame, blocks_of, fewest_kept
from .onnx_files import exact_runner
from .params import ExportParams
from .quantise import ONNX_RUNTIME, TENSORRT, Int8Writer, count_quantised, largest_pair


@dataclass(frozen=True)
class Int8Files:
    """What came of writing them."""

    kept: tuple[str, ...]
    """Layers left in float to keep within the budget; where nothing does, those that lose the least AP."""
    blamed: tuple[Blamed, ...]
    """All blocks of layers, those that cause most of the error first; empty where they were not ranked."""
    distance_px: float
    """Mean distance of joints from the FP32 file's on the calibration people, with no layer in float; image px."""
    ap_fp32: float
    ap_drop: Mapping[tuple[str, ...], float]
    """AP that the worse of both files loses against FP32 on the validation people, by the layers in float."""
    figures: Mapping[tuple[str, ...], Mapping[str, Mapping[str, float]]]
    """By the layers in float, the AP and ECE of each INT8 file on the validation people."""
    ece_fp32: float
    facts: dict[str, Any]
    """For the sidecar."""
    last_layer: LastLayerErrors | None = None
    """None unless every layer was measured."""

    def top(self, number: int) -> tuple[str, ...]:
        """The layers of the `number` blocks that cause most of the error."""
        return _layers(self.blamed[:number])


def write_int8_files(params: ExportParams, ruler: Ruler, calibration: HeldCrops, folder: Path) -> Int8Files:
    """Write both files next to the FP32 file in `folder`.

    Raises:
        InputError: there is nobody to calibrate on.
        EnvironmentFault: as that of `Int8Writer`.
    """
    budget = params.int8
    with tempfile.TemporaryDirectory() as scratch:
        files = _Files(params, ruler, calibration, folder, Path(scratch))
        drop = files.write(())
        blamed: tuple[Blamed, ...] = ()
        kept: tuple[str, ...] = ()
        last_layer: LastLayerErrors | None = None
        beyond = bool(budget.most_in_float) and drop > budget.aim_ap_drop
        if budget.every_layer or budget.rank_layers or beyond:
            say(f"INT8 loses {drop:.4f} AP; looking for the layers that it comes from")
            blamed = tuple(blame(blocks_of(files.layers), files.distance_px))
        if budget.every_layer:
            _try_all(files, blamed)
            last_layer = files.last_layer_errors()
        if beyond:
            kept = _fewest(files, blamed, budget.aim_ap_drop, budget.most_in_float)
            say(f"INT8 with {', '.join(kept) or 'no layer'} in float loses {files.ap_drop[kept]:.4f} AP")
        files.write(kept)
        distance = files.distance_px(())
    facts = {
        "crops": len(calibration.people),
        "method": params.calibration_method,
        "nodes": count_quantised(folder / ONNX_INT8),
        "layers_in_float": list(kept),
        "attention_in_float": files.attention,
        "largest_pair_of_products": largest_pair(folder / ONNX_INT8),  # at most 32767, or CPUs would differ
    }
    return Int8Files(
        kept=kept,
        blamed=blamed,
        distance_px=distance,
        ap_fp32=files.fp32["AP"],
        ap_drop=files.ap_drop,
        figures=files.figures,
        ece_fp32=files.fp32["ECE"],
        facts=facts,
        last_layer=last_layer,
    )


def _fewest(files: "_Files", blamed: Sequence[Blamed], budget: float, most: int) -> tuple[str, ...]:
    """The layers of the fewest blocks that keep within the budget; where none do, those that lost least when tried."""
    most = min(most, len(blamed))
    tops = [_layers(blamed[:number]) for number in range(most + 1)]
    number = fewest_kept(lambda tried: files.write(tops[tried]), budget, most)
    if number is not None:
        return tops[number]
    return min((top for top in tops if top in files.ap_drop), key=lambda top: files.ap_drop[top])


def _try_all(files: "_Files", blamed: Sequence[Blamed]) -> None:
    """Measure the AP with each block alone in float, and with each and all above it."""
    for number, each in enumerate(track(blamed, "AP by layers in float", unit="block"), start=1):
        files.write(each.block.layers)
        files.write(_layers(blamed[:number]))


def _layers(blamed: Sequence[Blamed]) -> tuple[str, ...]:
    return tuple(layer for each in blamed for layer in each.block.layers)


class _Files:
    """Both files, written again and again with other layers in float, and what each version loses."""

    def __init__(self, params: ExportParams, ruler: Ruler, calibration: HeldCrops, folder: Path, scratch: Path) -> None:
        self._crops = network_inputs(calibration, ruler.meta)
        self._writer = Int8Writer(folder / ONNX_FP32, self._crops, params.calibration_method, scratch)
        self._ruler, self._calibration = ruler, calibration
        self._folder, self._scratch, self._threads = folder, scratch, params.threads
        plain = onnx_runner(folder / ONNX_FP32, params.threads)
        self._wanted = self._of_calibration(plain)
        self.layers = self._writer.layers
        self.attention = attention_sums(self._writer.graph)
        self.fp32 = self._figures_of(plain)
        self.figures: dict[tuple[str, ...], dict[str, dict[str, float]]] = {}
        self.ap_drop: dict[tuple[str, ...], float] = {}

    def write(self, kept: tuple[str, ...]) -> float:
        """Write both with the layers `kept` in float; returns the AP that the worse one loses against FP32."""
        for_onnx, for_tensorrt = self._folder / ONNX_INT8, self._folder / ONNX_INT8_TRT
        self._writer.write(for_onnx, ONNX_RUNTIME, kept)
        self._writer.write(for_tensorrt, TENSORRT, kept)
        if kept not in self.ap_drop:
            runners = onnx_runner(for_onnx, self._threads), exact_runner(for_tensorrt, self._threads)
            names = for_onnx.name, for_tensorrt.name
            self.figures[kept] = {n: self._figures_of(each) for n, each in zip(names, runners, strict=True)}
            self.ap_drop[kept] = self.fp32["AP"] - min(each["AP"] for each in self.figures[kept].values())
        return self.ap_drop[kept]

    def distance_px(self, kept: Collection[str]) -> float:
        """Mean distance of the ONNX Runtime file's joints from FP32's with the layers `kept` in float, image px."""
        path = self._scratch / "tried.onnx"
        self._writer.write(path, ONNX_RUNTIME, kept)
        return self._moved_px(onnx_runner(path, self._threads))

    def last_layer_errors(self) -> LastLayerErrors:
        """What 8 bits do to the head's last layers."""
        return last_layer_errors(self._writer, self._crops, self._moved_px, self._scratch, threads=self._threads)

    def _moved_px(self, runner: Runner) -> float:
        return float(distance_px(self._of_calibration(runner), self._wanted)["mean"])

    def _of_calibration(self, runner: Runner) -> Prediction:
        return self._calibration.predict(runner, self._ruler.meta)

    def _figures_of(self, runner: Runner) -> dict[str, float]:
        """AP, and the calibration error of the scores."""
        figures = self._ruler.figures(self._ruler.predict(runner, "INT8"))
        return {name: figures[name] for name in ("AP", "ECE")}
