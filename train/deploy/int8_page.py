"""The page `int8_layers.md`: what INT8 loses, by the layers that are left in float."""

import textwrap
from pathlib import Path

from dataengine.files import atomic_path
from dataengine.nets.checkpoint import ModelMeta

from .int8_files import Int8Files
from .last_layer import LastLayerErrors
from .params import Int8Params

PAGE = "int8_layers.md"


def write_page(path: Path, files: Int8Files, budget: Int8Params, meta: ModelMeta, people: int) -> None:
    """Write the page on files that were judged on that many validation `people`."""
    with atomic_path(path) as partial:
        partial.write_text("\n".join(page(files, budget, meta, people)) + "\n", encoding="utf-8")


def page(files: Int8Files, budget: Int8Params, meta: ModelMeta, people: int) -> list[str]:
    """The lines of the page."""
    lines = ["# What INT8 loses, layer by layer", ""]
    lines += _paragraph(
        f"{meta.network}, {meta.head} head, {meta.input_width_px} x {meta.input_height_px} px;",
        f"ranges from {files.facts['crops']} crops ({files.facts['method']}), AP on {people} validation people.",
        f"FP32 has AP {files.ap_fp32:.4f}; the worse of both INT8 files loses {files.ap_drop[()]:.4f} of it",
        f"with all layers in 8 bits, and moves joints by {files.distance_px:.2f} px on the calibration crops.",
    )
    if files.facts["attention_in_float"]:
        lines += ["", *_paragraph(_ATTENTION.format(len(files.facts["attention_in_float"])))]
    lines += ["", _outcome(files, budget), "", *_calibration(files)]
    if files.last_layer is not None:
        lines += ["", *_last_layer(files.last_layer)]
    if not files.blamed:
        return [*lines, "", _NOT_ASKED]
    lines += [
        "",
        *_paragraph(_LEGEND),
        "",
        "| in float | layers | joints move, px | AP lost | AP lost, with all above |",
    ]
    return [*lines, "|---|---:|---:|---:|---:|", *_rows(files)]


_ATTENTION = (
    "In float from the start, as 8 bits do not keep rows of attention at a sum of 1: {} products of softmaxes, and all "
    "sums, norms and activations between products."
)
_NOT_ASKED = "The layers were not asked one by one: `-S export.int8.rank_layers=true` or `every_layer=true` does that."

_LEGEND = (
    "Ordered by how far joints still move, on average over the calibration crops and compared with FP32, if this block "
    "alone is in float: labels have no say in it. A dash: not measured."
)


def _paragraph(*sentences: str) -> list[str]:
    return textwrap.wrap(" ".join(sentences), 118, break_on_hyphens=False)


def _outcome(files: Int8Files, budget: Int8Params) -> str:
    lost, aim = files.ap_drop[files.kept], f"the aim, {budget.aim_ap_drop:g}"
    within = lost <= budget.aim_ap_drop
    if not files.kept:
        beyond = (
            "and no layer may be in float" if not budget.most_in_float else "and layers in float bring it no nearer"
        )
        return f"Within {aim}: no layer is left in float." if within else f"Not within {aim}, {beyond}."
    reached = f"within {aim}" if within else f"not within {aim}, which {budget.most_in_float} blocks do not reach"
    return f"In float: {', '.join(f'`{name}`' for name in files.kept)}. AP lost: {lost:.4f}, {reached}."


def _calibration(files: Int8Files) -> list[str]:
    """AP and ECE of the scores, before and after."""
    lines = ["| file | in float | AP | ECE of scores |", "|---|---|---:|---:|"]
    lines.append(f"| FP32 | | {files.ap_fp32:.4f} | {files.ece_fp32:.3f} |")
    for kept in dict.fromkeys([(), files.kept]):
        in_float = f"{len(kept)} layers" if kept else "none"
        for name, figures in files.figures[kept].items():
            lines.append(f"| {name} | {in_float} | {figures['AP']:.4f} | {figures['ECE']:.3f} |")
    return lines


def _last_layer(errors: LastLayerErrors) -> list[str]:
    """How far joints move, and what happens around the peaks of the answer."""
    names = ", ".join(f"`{name}`" for name in errors.layers)
    lines = _paragraph(
        f"The last layers are {names}. A joint's place is read from how the answer falls from its peak to the next",
        f"bin or cell, {errors.step_px:g} px of the crop away. Falls and errors are shares of the answer's range; an",
        "error of the peak that its neighbours share moves nothing.",
    )
    lines += [
        "",
        "| in 8 bits | joints move, px | fall from the peak | error of the peak, RMS | error of the fall, RMS |",
    ]
    lines += ["|---|---:|---:|---:|---:|"]
    for name, moved in errors.moved_px.items():
        falls = errors.falls.get(name)
        cells = ["-"] * 3 if falls is None else [f"{x:.3%}" for x in (falls.fall, falls.at_peak, falls.of_fall)]
        lines.append(f"| {name} | {moved:.2f} | {' | '.join(cells)} |")
    return lines


def _rows(files: Int8Files) -> list[str]:
    rows = []
    for number, each in enumerate(files.blamed, start=1):
        alone, together = (_drop(files, layers) for layers in (each.block.layers, files.top(number)))
        count = len(each.block.layers)
        rows.append(f"| `{each.block.name}` | {count} | {each.distance_px:.2f} | {alone} | {together} |")
    return rows


def _drop(files: Int8Files, layers: tuple[str, ...]) -> str:
    return f"{files.ap_drop[layers]:.4f}" if layers in files.ap_drop else "-"
