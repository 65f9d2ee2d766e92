"""Things that stand in the way: furniture and street furniture made of boxes and posts, in three materials.

`build_prop` returns a thing of `PROP_SIZES_M` at the origin, its front towards -y, as vertices, quads and the material
of every quad. The sizes are those of things in shops and streets.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..geometry.mesh import boxes

Size = tuple[float, float, float]  # width, depth, height in metres
Box = tuple[Size, Size]  # centre and size

BODY, FRAME, DARK = range(3)  # the thing's own colour, its legs or metal, tyres and glass
PROP_SIZES_M: dict[str, tuple[Size, Size]] = {  # smallest and largest
    "crate": ((0.4, 0.3, 0.3), (0.9, 0.7, 0.8)),
    "bench": ((1.0, 0.35, 0.4), (1.8, 0.5, 0.55)),
    "pillar": ((0.08, 0.08, 2.2), (0.2, 0.2, 3.0)),
    "panel": ((0.5, 0.04, 0.5), (1.0, 0.06, 0.9)),
    "table": ((0.8, 0.5, 0.65), (1.6, 0.9, 0.78)),
    "chair": ((0.4, 0.4, 0.8), (0.5, 0.5, 1.0)),
    "sofa": ((1.2, 0.75, 0.7), (2.1, 0.95, 0.9)),
    "shelf": ((0.6, 0.25, 0.8), (1.2, 0.4, 1.9)),
    "car": ((3.4, 1.5, 1.35), (4.4, 1.8, 1.6)),
    "lamp_post": ((0.3, 0.3, 3.0), (0.5, 0.5, 5.0)),
    "fence": ((1.2, 0.05, 0.7), (3.0, 0.08, 1.2)),
    "bin": ((0.35, 0.35, 0.6), (0.6, 0.6, 1.1)),
}


def build_prop(kind: str, size_m: Size) -> tuple[NDArray[np.float64], NDArray[np.int32], NDArray[np.int32]]:
    """Vertices (v, 3), quads (q, 4) and the material of every quad (q,) of one of `PROP_SIZES_M`."""
    parts = _PARTS[kind](*size_m)
    vertices, quads = boxes([box for box, _ in parts])
    material = np.repeat(np.array([material for _, material in parts], dtype=np.int32), 6)
    for centre, radius, height in _POSTS.get(kind, _no_posts)(*size_m):
        post, sides = _post(centre, radius, height)
        quads = np.concatenate([quads, sides + len(vertices)])
        vertices = np.concatenate([vertices, post])
        material = np.append(material, np.full(len(sides), BODY if kind == "bin" else FRAME, dtype=np.int32))
    return vertices, quads.astype(np.int32), material


def _block(width: float, depth: float, height: float) -> list[tuple[Box, int]]:
    return [(((0, 0, height / 2), (width, depth, height)), BODY)]


def _bench(width: float, depth: float, height: float) -> list[tuple[Box, int]]:
    plank, leg = 0.06, 0.08
    under = height - plank
    legs = [((side * (width / 2 - leg), 0, under / 2), (leg, depth * 0.9, under)) for side in (-1, 1)]
    return [(((0, 0, height - plank / 2), (width, depth, plank)), BODY), *((each, FRAME) for each in legs)]


def _on_legs(width: float, depth: float, seat: float, thickness: float) -> list[tuple[Box, int]]:
    """A board at height `seat` on four legs."""
    leg, under = 0.05, seat - thickness
    corners = [(x * (width - leg) / 2, y * (depth - leg) / 2) for x in (-1, 1) for y in (-1, 1)]
    legs: list[Box] = [((x, y, under / 2), (leg, leg, under)) for x, y in corners]
    return [(((0, 0, seat - thickness / 2), (width, depth, thickness)), BODY), *((each, FRAME) for each in legs)]


def _table(width: float, depth: float, height: float) -> list[tuple[Box, int]]:
    return _on_legs(width, depth, height, 0.04)


def _chair(width: float, depth: float, height: float) -> list[tuple[Box, int]]:
    seat = 0.5 * height
    back: Box = ((0, depth / 2 - 0.02, (seat + height) / 2), (width, 0.04, height - seat))
    return [*_on_legs(width, depth, seat, 0.05), (back, BODY)]


def _sofa(width: float, depth: float, height: float) -> list[tuple[Box, int]]:
    arm, seat = 0.16, 0.5 * height
    parts: list[Box] = [
        ((0, 0, 0.05 + seat / 2), (width, depth, seat - 0.1)),
        ((0, depth / 2 - arm / 2, height / 2 + 0.05), (width, arm, height - 0.1)),
        *(((side * (width - arm) / 2, 0, 0.35 * height + 0.05), (arm, depth, 0.7 * height)) for side in (-1, 1)),
    ]
    foot: Box = ((0, 0, 0.03), (width * 0.9, depth * 0.8, 0.06))
    return [*((each, BODY) for each in parts), (foot, DARK)]


def _shelf(width: float, depth: float, height: float) -> list[tuple[Box, int]]:
    board, levels = 0.025, max(2, round(height / 0.38))
    shelves = [((0, 0, z), (width, depth, board)) for z in np.linspace(board / 2, height - board / 2, levels).tolist()]
    sides = [((side * width / 2, 0, height / 2), (board, depth, height)) for side in (-1, 1)]
    books = [
        ((0.1 * width * (-1) ** level, 0, shelf[0][2] + 0.12), (0.6 * width, depth * 0.7, 0.22))
        for level, shelf in enumerate(shelves[:-1])
    ]
    return [*((each, BODY) for each in (*shelves, *sides)), *((each, FRAME) for each in books)]


def _car(width: float, depth: float, height: float) -> list[tuple[Box, int]]:
    """A car seen from its side: `width` is its length."""
    clear, waist = 0.2, 0.58 * height
    wheel = 0.3 * width
    body: Box = ((0, 0, (clear + waist) / 2), (width, depth, waist - clear))
    glass: Box = ((0.04 * width, 0, 0.95 * height / 2 + waist / 2), (0.5 * width, depth * 0.88, 0.95 * height - waist))
    roof: Box = ((0.04 * width, 0, 0.965 * height), (0.46 * width, depth * 0.86, 0.07 * height))
    wheels: list[Box] = [((x * wheel, y * (depth / 2 - 0.1), 0.3), (0.56, 0.22, 0.6)) for x in (-1, 1) for y in (-1, 1)]
    return [(body, BODY), (roof, BODY), (glass, DARK), *((each, DARK) for each in wheels)]


def _lamp_post(width: float, depth: float, height: float) -> list[tuple[Box, int]]:
    head: Box = ((0, -width / 2, height - 0.05), (0.18, width + 0.2, 0.1))
    foot: Box = ((0, 0, 0.12), (0.24, 0.24, 0.24))
    return [(head, FRAME), (foot, FRAME)]


def _fence(width: float, depth: float, height: float) -> list[tuple[Box, int]]:
    count = max(4, round(width / 0.14))
    pickets = [
        ((x, 0, height / 2), (0.07, depth / 2, height)) for x in np.linspace(-width / 2, width / 2, count).tolist()
    ]
    rails = [((0, depth / 4, share * height), (width, depth / 2, 0.08)) for share in (0.25, 0.8)]
    return [*((each, BODY) for each in pickets), *((each, FRAME) for each in rails)]


def _bin(width: float, depth: float, height: float) -> list[tuple[Box, int]]:
    return [(((0, 0, height), (width * 0.75, depth * 0.75, 0.05)), DARK)]


def _no_posts(width: float, depth: float, height: float) -> list[tuple[Size, float, float]]:
    return []


def _post(centre: Size, radius: float, height: float, sides: int = 12) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """An upright prism without ends, from its base."""
    angle = np.arange(sides) * 2 * np.pi / sides
    ring = np.stack([radius * np.cos(angle), radius * np.sin(angle), np.zeros(sides)], axis=1) + centre
    here = np.arange(sides)
    after = (here + 1) % sides
    quads = np.stack([here, after, after + sides, here + sides], axis=1)
    return np.concatenate([ring, ring + np.array([0, 0, height])]), quads.astype(np.int32)


_PARTS: dict[str, Callable[[float, float, float], list[tuple[Box, int]]]] = {
    **dict.fromkeys(("crate", "pillar", "panel"), _block),
    "bench": _bench,
    "table": _table,
    "chair": _chair,
    "sofa": _sofa,
    "shelf": _shelf,
    "car": _car,
    "lamp_post": _lamp_post,
    "fence": _fence,
    "bin": _bin,
}
_POSTS: dict[str, Callable[[float, float, float], list[tuple[Size, float, float]]]] = {
    "lamp_post": lambda width, depth, height: [((0, 0, 0), 0.07, height)],
    "bin": lambda width, depth, height: [((0, 0, 0), min(width, depth) / 2, height)],
}
