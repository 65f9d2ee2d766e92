"""How a person looks, as plain values: skin tone, hair, clothes. They are drawn here; dressing.py makes the mesh."""

import colorsys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

Colour = tuple[float, float, float]  # linear RGB, 0 to 1

FABRICS = ("plain", "melange", "stripes_across", "stripes_along", "checks", "plaid", "camouflage", "dots", "print")
_FABRIC_ODDS = (0.36, 0.14, 0.12, 0.06, 0.05, 0.09, 0.05, 0.05, 0.08)
# Linear RGB of skin from very light to very dark, mixtures of neighbours are drawn. By eye, after Fitzpatrick's types.
_SKIN_TONES = (
    (0.70, 0.49, 0.40),
    (0.64, 0.43, 0.33),
    (0.52, 0.32, 0.225),
    (0.42, 0.24, 0.15),
    (0.26, 0.14, 0.085),
    (0.13, 0.065, 0.04),
)
_HAIR_COLOURS = (
    (0.015, 0.012, 0.01),
    (0.05, 0.028, 0.017),
    (0.12, 0.06, 0.03),
    (0.28, 0.15, 0.07),
    (0.5, 0.35, 0.17),
    (0.25, 0.08, 0.03),
)
_GREY: Colour = (0.42, 0.41, 0.4)
_SKIRT_SHARE = 0.33  # of women


@dataclass(frozen=True)
class Garment:
    """A piece of clothing that lies around the body."""

    length: float
    """Sleeve or leg: 0 at the shoulder or hip, 1 at the elbow or knee, 2 at the wrist or ankle."""
    looseness_m: float
    """Distance from the skin."""
    fabric: str
    first: Colour
    second: Colour
    pattern_scale: float
    is_skirt: bool = False
    """Around both legs at once."""


@dataclass(frozen=True)
class Look:
    """Everything visible on a body except its shape."""

    skin: Colour
    hair: Colour
    hair_style: str
    """bald, short, full or long."""
    beard: float
    """Strength, 0 to 1."""
    top: Garment
    bottom: Garment
    shoes: Colour | None


def draw_look(phenotype: Mapping[str, float], rng: np.random.Generator, fabrics: Sequence[str] = ()) -> Look:
    """Draw a look: clothes at random, skin loosely after ancestry, grey hair and beards after age and gender.

    Clothes are of `fabrics`, where some are named; the rest of the look does not depend on them.
    """
    male, age = phenotype["gender"] < 0.5, phenotype["age"]
    return Look(
        skin=_draw_skin(phenotype, rng),
        hair=_GREY if age > 0.85 and rng.random() < 0.7 else _HAIR_COLOURS[int(rng.integers(len(_HAIR_COLOURS)))],
        hair_style=_draw_hair_style(male, age, rng),
        beard=float(rng.uniform(0.4, 0.8)) if male and age > 0.6 and rng.random() < 0.35 else 0.0,
        top=_draw_garment((0.25, 0.55, 0.6, 0.95, 1.9), 0.012, rng, fabrics),
        bottom=_draw_bottom(male, rng, fabrics),
        shoes=_draw_colour(rng) if rng.random() < 0.75 else None,
    )


def _draw_skin(phenotype: Mapping[str, float], rng: np.random.Generator) -> Colour:
    expected = 4.3 * phenotype["african"] + 1.7 * phenotype["asian"] + 0.6 * phenotype["caucasian"]
    place = float(np.clip(expected + rng.normal(0, 0.8), 0, len(_SKIN_TONES) - 1))
    below = min(int(place), len(_SKIN_TONES) - 2)
    share = place - below
    red, green, blue = (
        (1 - share) * light + share * dark
        for light, dark in zip(_SKIN_TONES[below], _SKIN_TONES[below + 1], strict=True)
    )
    return red, green, blue


def _draw_hair_style(male: bool, age: float, rng: np.random.Generator) -> str:
    bald = 0.0 if not male or age < 0.6 else 0.12 + 0.25 * (age > 0.85)
    if rng.random() < bald:
        return "bald"
    odds = (0.75, 0.2, 0.05) if male else (0.25, 0.35, 0.4)
    return str(rng.choice(("short", "full", "long"), p=odds))


def _draw_bottom(male: bool, rng: np.random.Generator, fabrics: Sequence[str]) -> Garment:
    """Shorts, tights or trousers; for a third of the women a skirt above the knee, below it, or down to the calves."""
    trousers = _draw_garment((0.45, 0.85, 1.3, 1.88, 1.88, 1.88), 0.010, rng, fabrics)
    skirt_length = float(rng.choice([0.7, 1.05, 1.5])) + float(rng.uniform(-0.1, 0.1))
    if male or rng.random() > _SKIRT_SHARE:
        return trousers
    return replace(trousers, length=skirt_length, is_skirt=True)


def _draw_garment(
    lengths: tuple[float, ...], looseness_m: float, rng: np.random.Generator, fabrics: Sequence[str]
) -> Garment:
    odds = np.array(
        [share if not fabrics or name in fabrics else 0.0 for name, share in zip(FABRICS, _FABRIC_ODDS, strict=True)]
    )
    return Garment(
        length=lengths[int(rng.integers(len(lengths)))] + float(rng.uniform(-0.05, 0.05)),
        looseness_m=looseness_m * float(rng.uniform(0.5, 1.7)),
        fabric=str(rng.choice(FABRICS, p=odds / odds.sum())),
        first=_draw_colour(rng),
        second=_draw_colour(rng),
        pattern_scale=float(rng.uniform(0.6, 1.6)),
    )


def _draw_colour(rng: np.random.Generator) -> Colour:
    brightness = float(rng.uniform(0.03, 0.75))
    red, green, blue = colorsys.hsv_to_rgb(rng.random(), float(rng.random() ** 0.9) * 0.8, brightness)
    return red, green, blue
