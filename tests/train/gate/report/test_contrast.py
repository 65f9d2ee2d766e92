"""Contrast of the report's colours by WCAG 2.2, computed from its CSS variables, in light and dark mode."""

import re

import pytest

from dataengine.train.gate.report.template import PAGE

Rgb = tuple[float, float, float]
TEXT, GRAPHICS = 4.5, 3.0  # success criteria 1.4.3 and 1.4.11
VERDICTS = ("promote", "reject", "not-enough-evidence")
TINT = 0.09  # of the verdict's colour in its background, see `color-mix` in the template
LIGHT, DARK = "light", "dark"


def palette(mode: str) -> dict[str, Rgb]:
    """Colours by the name of their variable, 0..1; dark mode overrides what it names."""
    light, dark = re.findall(r":root\{(.*?)\}", PAGE, flags=re.DOTALL)
    colours: dict[str, Rgb] = {}
    for block in (light, dark) if mode == DARK else (light,):
        for name, value in re.findall(r"--([\w-]+):#([0-9a-f]+)", block):
            digits = "".join(2 * digit for digit in value) if len(value) == 3 else value
            red, green, blue = (int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4))
            colours[name] = (red, green, blue)
    return colours


def luminance(colour: Rgb) -> float:
    """WCAG's relative luminance of an sRGB colour."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
    return sum(share * c for share, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: Rgb, other: Rgb) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def mixed(colour: Rgb, share: float, ground: Rgb) -> Rgb:
    red, green, blue = (share * c + (1 - share) * g for c, g in zip(colour, ground, strict=True))
    return red, green, blue


def test_contrast_is_that_of_wcag() -> None:
    assert contrast((0, 0, 0), (1, 1, 1)) == pytest.approx(21)
    grey = 0x76 / 255  # the lightest grey that passes on white
    assert contrast((grey, grey, grey), (1, 1, 1)) == pytest.approx(4.54, abs=0.005)


@pytest.mark.parametrize("mode", [LIGHT, DARK])
def test_text_is_readable(mode: str) -> None:
    colours = palette(mode)
    used = set(re.findall(r"(?:[{;\s]color|text\{[^}]*fill):var\(--([\w-]+)\)", PAGE))
    assert used == {"ink", "soft", "mark", *VERDICTS}, "a colour of text that is not measured below"
    ratios = {name: contrast(colours[name], colours["paper"]) for name in ("ink", "soft", *VERDICTS)}
    for verdict in VERDICTS:  # headline and reason stand on a tint of the verdict's colour
        ground = mixed(colours[verdict], TINT, colours["paper"])
        ratios[f"ink on {verdict}"] = contrast(colours["ink"], ground)
        ratios[f"mark on {verdict}"] = contrast(colours[verdict], ground)
    assert f"var(--mark) {TINT:.0%},var(--paper)" in PAGE
    assert {name: round(ratio, 2) for name, ratio in ratios.items() if ratio < TEXT} == {}


@pytest.mark.parametrize("mode", [LIGHT, DARK])
def test_lines_and_points_are_seen(mode: str) -> None:
    colours = palette(mode)
    ratios = {name: contrast(colours[name], colours["paper"]) for name in ("candidate", "champion", "soft")}
    assert {name: round(ratio, 2) for name, ratio in ratios.items() if ratio < GRAPHICS} == {}
