"""What ``precision: auto`` takes, against the better of fp32 and bf16: epochs of our own loop in turns."""

import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dataengine.bench.record import Figure

from .loops import loops, seconds_of

PEOPLE, ROUNDS = 96, 7


def figures(params: Any, folder: Path, people: int = PEOPLE, rounds: int = ROUNDS) -> Iterator[Figure]:
    """``fit.auto_over_best``: milliseconds an image in auto, against those in the better of the two.

    The three take turns, and each comes first equally often; bf16 is slow where it is emulated.
    """
    ours = {name: loops(params, folder / name, people, name)[0] for name in ("auto", "fp32", "bf16")}
    taken: dict[str, list[float]] = {name: [] for name in ours}
    for loop in ours.values():
        loop.epoch()
    names = list(ours)
    for number in range(rounds):
        for name in names[number % 3 :] + names[: number % 3]:
            taken[name].append(seconds_of(ours[name].epoch))
    per_image = {name: 1000 * statistics.median(times) / ours[name].images for name, times in taken.items()}
    yield Figure("fit.auto_over_best", per_image["auto"], "ms", min(per_image["fp32"], per_image["bf16"]))
