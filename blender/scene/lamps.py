"""Lamps in addition to the light of an HDRI: the sun, and lamps under a ceiling."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..clothes.appearance import Colour

INDOOR_WORLD = 0.25  # share of the HDRI's light that comes through windows


@dataclass(frozen=True)
class Lamp:
    """One lamp; its light falls from `from_m` on `onto_m`, in the world."""

    kind: Literal["AREA", "SUN"]
    from_m: tuple[float, float, float]
    onto_m: tuple[float, float, float]
    power: float
    """Watts for an area lamp, watts per square metre for the sun."""
    size: float
    """Side of an area lamp in metres; the angle of the sun's disc in radians."""
    colour: Colour


def draw_indoor_lamps(rng: np.random.Generator) -> tuple[Lamp, ...]:
    """One to three panels or bulbs of one colour temperature over and around people at the origin."""
    warmth = float(rng.uniform(0, 1))
    colour = (1.0, 1.0 - 0.28 * warmth, 1.0 - 0.55 * warmth)  # from 6500 K to about 2900 K
    count = int(rng.integers(1, 4))
    return tuple(
        Lamp(
            kind="AREA",
            from_m=(float(rng.uniform(-2.5, 2.5)), float(rng.uniform(-3.5, 1.5)), float(rng.uniform(2.5, 3.2))),
            onto_m=(float(rng.normal(0, 0.3)), 0.0, 0.8),
            power=float(rng.uniform(160, 320)) / count,
            size=float(rng.uniform(0.15, 1.2)),
            colour=colour,
        )
        for _ in range(count)
    )


def draw_sun(rng: np.random.Generator) -> tuple[Lamp, ...]:
    """The sun in a clear sky, between low and nearly overhead, never far behind the people."""
    elevation, azimuth = rng.uniform(0.25, 1.3), rng.uniform(-2.2, 2.2)
    level = np.cos(elevation)
    way = (float(np.sin(azimuth) * level), float(-np.cos(azimuth) * level), float(np.sin(elevation)))
    redness = 1 - float(np.sin(elevation))
    colour = (1.0, 1.0 - 0.25 * redness, 1.0 - 0.5 * redness)
    return (Lamp("SUN", way, (0.0, 0.0, 0.0), float(rng.uniform(1.5, 4.0)), 0.009, colour),)
