"""Good files made bad: values of JSON replaced, removed and repeated, bytes changed, cut out and put in."""

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 3.5, 1e308, 10**30, 2**63, float("nan"), float("inf"), -float("inf")),
    *("", "x", "1", "../../outside", "/etc/hostname", "\x00", "a" * 3000),
    *([], {}, [[]], [None], {"a": 1}, [1, 2, 3]),
)
FACTORS = (-1, 0, 1e9, 1e-9, 1e300)
MOST_ITEMS = 6  # of a list that are changed


def mutated_json(good: bytes, rng: random.Random) -> bytes:
    """The document `good` with one to three of its values changed; now and then no JSON any more."""
    document = json.loads(good)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        place = rng.choice(list(_places(document)))
        if place:
            _change(document, place, rng)
        elif rng.random() < 0.1:
            document = rng.choice(VALUES)
    text = json.dumps(document).encode()
    return mutated_bytes(text, rng) if rng.random() < 0.05 else text


def mutated_bytes(good: bytes, rng: random.Random) -> bytes:
    """`good` cut short, or with up to fifty of its bytes changed, removed or added, half of them in its first part."""
    content = bytearray(good)
    if rng.random() < 0.25:
        return bytes(content[: rng.randrange(len(content))])
    for _ in range(rng.choice((1, 1, 3, 10, 50))):
        place = rng.randrange(max(1, len(content) if rng.random() < 0.5 else min(len(content), 2000)))
        how = rng.random()
        if how < 0.75:
            content[place : place + 1] = bytes([rng.choice((0, 127, 128, 255, rng.randrange(256)))])
        elif how < 0.9:
            del content[place : place + rng.choice((1, 4, 100))]
        else:
            content[place:place] = rng.randbytes(rng.choice((1, 4)))
    return bytes(content)


def _places(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield above
    inner = (
        value.items() if isinstance(value, dict) else enumerate(value[:MOST_ITEMS]) if isinstance(value, list) else ()
    )
    for key, item in inner:
        yield from _places(item, (*above, key))


def _change(document: Any, place: tuple[Any, ...], rng: random.Random) -> None:
    """Change the value at `place`; places that an earlier change took away are passed over."""
    try:
        for key in place[:-1]:
            document = document[key]
        key, value = place[-1], document[place[-1]]
    except (KeyError, IndexError, TypeError):
        return
    how = rng.random()
    if how < 0.2:
        del document[key]
    elif how < 0.3 and isinstance(document, dict):
        document[f"{key}x"] = rng.choice(VALUES)
    elif how < 0.4 and isinstance(document, list):
        document.insert(key, copy.deepcopy(value))
    elif how < 0.5 and isinstance(value, int | float):
        document[key] = value * rng.choice(FACTORS)
    else:
        document[key] = copy.deepcopy(rng.choice(VALUES))
