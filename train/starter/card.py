"""The starter's card: how it was made, what it scores on rendered people it has not seen and on other labelled sets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dataengine.evaluation.analysis.slice_builders import standard_slices
from dataengine.evaluation.analysis.slices import slice_matches
from dataengine.evaluation.ap.matching import average_precision, paired
from dataengine.evaluation.ap.protocol import COCO
from dataengine.evaluation.figures import Figures, figures_of
from dataengine.files import atomic_path
from dataengine.inference.running.predict import load_runner, predict_people
from dataengine.people import Images, People
from dataengine.person_scale import scale_words

from .params import MakeStarterParams

CARD_NAME = "CARD.md"
LEAST_IN_SLICE = 20  # people of a slice that is shown


@dataclass(frozen=True)
class SetScore:
    """Figures on one labelled set, the joints found in the labelled boxes."""

    name: str
    people: int
    scale: str
    figures: Figures
    by_slice: Mapping[str, tuple[int, float]]
    """Name of the slice -> its people and AP."""


def score(folder: Path, name: str, people: People, images: Images) -> SetScore:
    """What the checkpoint in `folder` scores on labelled `people`, in all and by slice."""
    runner, meta = load_runner(folder)
    found = predict_people(runner, meta, people, images, description=name).as_people(people)
    pairs = paired(people, images, found, COCO)
    slices = [part for part in standard_slices(people, images) if part.people.sum() >= LEAST_IN_SLICE]
    by_slice = {
        part.name: (int(part.people.sum()), average_precision(slice_matches(pairs, images, part))) for part in slices
    }
    return SetScore(name, len(people), scale_words(people), figures_of(people, images, found), by_slice)


def write_card(
    out: Path, params: MakeStarterParams, command: str, learnt: tuple[int, int], scores: Sequence[SetScore]
) -> None:
    """Write the card to the folder `out`. `learnt` are the numbers of people and of images learnt from."""
    people, images = learnt
    seen = params.epochs * params.people_per_epoch if params.people_per_epoch else None
    network = " ".join([params.network, *(f"{key} {value}" for key, value in params.network_kwargs.items())])
    lines = [
        "# The starter",
        "",
        "Weights to begin a fit with, fitted on people that this project rendered and on nothing else: no photograph,",
        "no outside weights, no published data set.",
        "",
        f"    {command}",
        "",
        f"- Learnt from: {people} people in {images} rendered images, seed {params.seed}"
        + (f"; {seen:,} people seen in {params.epochs} epochs." if seen else "."),
        f"- Network: {network}, head {params.head}, crops of {params.input_width_px} x {params.input_height_px} px.",
        "- Kernels in float16, everything else in float32; `model.json` has the checksum, the params and the lineage,",
        "  `learnt_pictures.sha256` the hashes of the renders.",
        "",
        "| people | number | scale of OKS | OKS AP | AP50 | PCK@0.2 |",
        "|---|---|---|---|---|---|",
        *(f"| {s.name} | {s.people} | {s.scale} | {_numbers(s.figures)} |" for s in scores),
        "",
        f"By slice (of {LEAST_IN_SLICE} people or more), the weakest first:",
        "",
        "| people | slice | number | OKS AP |",
        "|---|---|---|---|",
        *(
            f"| {s.name} | {name} | {count} | {ap:.3f} |"
            for s in scores
            for name, (count, ap) in sorted(s.by_slice.items(), key=lambda item: item[1][1])
        ),
    ]
    with atomic_path(out / CARD_NAME) as partial:
        partial.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _numbers(figures: Figures) -> str:
    return " | ".join(f"{value:.3f}" for value in (figures.ap, figures.ap50, figures.pck_02))
