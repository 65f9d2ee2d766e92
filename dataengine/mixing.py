"""Which samples an epoch is made of: real ones by repeat factor, others at an exact ratio to them.

`draw_epoch` is a pure function of (sources, repeat factors, recipe, epoch): any worker, any machine and any
resumed run draws the same indices; `rank_places` shares them among processes. The stage `mix` writes the recipe; the
training loaders draw with it.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError, ParamsError
from dataengine.files import read_json, write_json
from dataengine.people import SOURCES, Source
from dataengine.typed_record import RECORDS

# Ratios in params.yaml are decimals: 0.3333333333 has to mean 1/3, and 1/1,000,000 is finer than any set needs.
LARGEST_DENOMINATOR = 1_000_000
FACTOR_UNIT = 1 << 32  # repeat factors are summed in units of 1 / this; two thousand million of them fit into 64 bits
# Names of the random streams, so that drawing more of one source never changes another.
REAL_STREAM, SHUFFLE_STREAM, SYNTHETIC_STREAM, PSEUDO_STREAM, REPLAY_STREAM = range(5)


@dataclass(frozen=True)
class MixRecipe:
    """How sources combine in an epoch."""

    synthetic_per_real: float
    """Synthetic samples per real sample drawn; 0 uses none."""
    pseudo_per_real: float
    """Pseudo-labelled samples per real sample drawn; 0 uses none."""
    seed: int
    """Seeds every draw."""
    only: Source | None = None
    """The one source that is drawn, whatever the ratios: real people by their repeat factors, others once an epoch."""

    def __post_init__(self) -> None:
        if self.only is not None and self.only not in SOURCES:
            raise ParamsError("only", expected=" | ".join(("null", *SOURCES)), got=repr(self.only))
        for name in ("synthetic_per_real", "pseudo_per_real"):
            ratio = getattr(self, name)
            if not np.isfinite(ratio) or ratio < 0:
                raise ParamsError(name, expected="a finite number >= 0", got=str(ratio))

    def without_pseudo(self) -> "MixRecipe":
        """The same recipe without pseudo-labels, as the first teacher is fitted with."""
        return replace(self, pseudo_per_real=0.0)


def draw_epoch(
    source: NDArray[np.str_], repeat_factor: NDArray[np.float64], recipe: MixRecipe, epoch: int
) -> NDArray[np.int64]:
    """Shuffled sample indices of one epoch.

    source (n,) is "real", "synthetic" or "pseudo"; repeat_factor (n,) >= 1. Real sample i is drawn floor(r_i) or
    ceil(r_i) times, and all real samples together round(sum r) times, the same number every epoch, so that schedules
    know its length. The others are drawn round(ratio * drawn real) times, going through their pool in a new order each
    time, across epochs: no sample is drawn again before all have been drawn equally often, but for those that a pool
    holds several times, floor(r_i) or ceil(r_i). `recipe.only` leaves out all sources but one. Raises InputError when a
    recipe asks for samples that do not exist.

    >>> source = np.array(["real", "real", "real", "real", "synthetic", "synthetic"])
    >>> recipe = MixRecipe(synthetic_per_real=0.5, pseudo_per_real=0, seed=0)
    >>> drawn = draw_epoch(source, np.array([1.0, 1.0, 1.0, 3.0, 1.0, 1.0]), recipe, epoch=0)
    >>> np.bincount(drawn)  # sample 3 is rare: three times; 6 real samples, so 3 synthetic ones
    array([1, 1, 1, 3, 1, 2])
    """
    _check(source, repeat_factor, recipe, epoch)
    if recipe.only == "real":
        recipe = replace(recipe, synthetic_per_real=0.0, pseudo_per_real=0.0)
    elif recipe.only is not None:
        pool = np.flatnonzero(source == recipe.only)
        stream = SYNTHETIC_STREAM if recipe.only == "synthetic" else PSEUDO_STREAM
        count = _times(repeat_factor[pool])
        return _draw_cycling(pool, repeat_factor, count, epoch, [recipe.seed, stream])
    real = _draw_real(
        np.flatnonzero(source == "real"), repeat_factor, np.random.default_rng([recipe.seed, REAL_STREAM, epoch])
    )
    parts = [real]
    for name, ratio, stream in (
        ("synthetic", recipe.synthetic_per_real, SYNTHETIC_STREAM),
        ("pseudo", recipe.pseudo_per_real, PSEUDO_STREAM),
    ):
        count = share_of(len(real), ratio)
        pool = np.flatnonzero(source == name)
        if count and not len(pool):
            raise InputError(
                f"no {name} samples to draw {count} from",
                expected=f"{name} samples for {name}_per_real = {ratio:g}",
                got="none",
                fix=f"make some, or set {name}_per_real: 0",
            )
        parts.append(_draw_cycling(pool, repeat_factor, count, epoch, [recipe.seed, stream]))
    drawn = np.concatenate(parts)
    return np.random.default_rng([recipe.seed, SHUFFLE_STREAM, epoch]).permutation(drawn)


def rank_places(drawn: int, batch: int, rank: int, world: int) -> NDArray[np.int64]:
    """Places in an epoch of `drawn` samples that go to process `rank` of `world`; all ranks take `batch` in a step.

    As DistributedDataParallel needs them: every rank gets the same number, no place goes to two ranks, and in each step
    all ranks together have exactly the places that one process would have. What is left after the last whole step is
    dropped, as it is for one process. Raises InputError where a step cannot be shared evenly.

    >>> rank_places(drawn=9, batch=4, rank=0, world=2), rank_places(drawn=9, batch=4, rank=1, world=2)
    (array([0, 1, 4, 5]), array([2, 3, 6, 7]))
    """
    if not 0 <= rank < world or batch < world or batch % world:
        raise InputError(
            "an epoch cannot be shared",
            expected="a batch that all ranks share evenly",
            got=f"{batch}, {rank} of {world}",
        )
    steps = drawn // batch
    return np.arange(steps * batch).reshape(steps, world, batch // world)[:, rank].ravel()


def share_of(n_real: int, ratio: float) -> int:
    """round(ratio * n_real), halves up, exact: the decimal is read as the simplest fraction it stands for.

    >>> share_of(900, 0.3333333333)
    300
    """
    exact = Fraction(ratio).limit_denominator(LARGEST_DENOMINATOR) * n_real
    return int(exact + Fraction(1, 2))


def replay_count(n_new: int, share: float) -> int:
    """Number of old samples to add to `n_new` new ones so that they are `share` (0 <= share < 1) of all, rounded."""
    exact = Fraction(share).limit_denominator(LARGEST_DENOMINATOR)
    return int(exact / (1 - exact) * n_new + Fraction(1, 2))


def with_replay(
    new: NDArray[np.int64],
    draw_old: Callable[[int], NDArray[np.int64]],
    share: float,
    seed: int,
    epoch: int,
) -> NDArray[np.int64]:
    """The draws `new` of an epoch with enough old samples that the old ones are `share` of all, shuffled.

    `draw_old` is the old set's own draw by epoch, always of the same length. Its epochs follow each other as one
    endless sequence, of which every epoch here takes the next piece: the old mix keeps its proportions, and all of it
    gets its turn.
    """
    count = replay_count(len(new), share)
    length = len(draw_old(0))
    old = endless_row(draw_old, length, epoch * count, count)
    return np.random.default_rng([seed, REPLAY_STREAM, epoch]).permutation(np.concatenate([new, old]))


def endless_row(draw: Callable[[int], NDArray[np.int64]], length: int, first: int, count: int) -> NDArray[np.int64]:
    """`count` places, from `first` on, of the sequence draw(0), draw(1), ..., each of them `length` long."""
    if not count:
        return np.empty(0, np.int64)
    places = np.arange(first, first + count)
    cycles = places // length
    rounds = {int(c): draw(int(c)) for c in np.unique(cycles)}
    return np.array([rounds[int(c)][p] for c, p in zip(cycles, places % length, strict=True)], np.int64)


def write_recipe(path: Path, recipe: MixRecipe) -> None:
    """Store a recipe as JSON."""
    write_json(path, asdict(recipe))


def read_recipe(path: Path) -> MixRecipe:
    """Load a recipe. Raises InputError when the file holds something else."""
    return RECORDS.record(MixRecipe, read_json(path), str(path))


def _check(source: NDArray[np.str_], repeat_factor: NDArray[np.float64], recipe: MixRecipe, epoch: int) -> None:
    if source.shape != repeat_factor.shape or source.ndim != 1:
        raise InputError(
            "draw_epoch", expected="source (n,) and repeat_factor (n,)", got=f"{source.shape}, {repeat_factor.shape}"
        )
    unknown = sorted(set(source.tolist()) - set(SOURCES))
    if unknown:
        raise InputError("draw_epoch: unknown source", expected="real, synthetic or pseudo", got=", ".join(unknown))
    if not np.isfinite(repeat_factor).all() or (repeat_factor < 1).any():
        raise InputError("draw_epoch: bad repeat factor", expected="finite, >= 1", got=f"{repeat_factor.min()}")
    factors = repeat_factor[source == "real"]
    if recipe.only in ("synthetic", "pseudo") and not (source == recipe.only).any():
        fix = f"make some, or set only: null instead of {recipe.only}"
        raise InputError(f"no {recipe.only} samples to draw", expected="at least one", got="none", fix=fix)
    if recipe.only in (None, "real") and not len(factors):
        raise InputError(
            "draw_epoch: no real samples", expected="at least one, as ratios are stated per real sample", got="none"
        )
    if epoch < 0:
        raise InputError("draw_epoch: bad epoch", expected=">= 0", got=str(epoch))


def _draw_real(
    real: NDArray[np.int64], repeat_factor: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Systematic sampling in random order: sample i is met whenever the running sum passes k + 1/2.

    The sum is one of integers, so that it is the same in every order: rounded floats would make epochs of two lengths
    where all factors together come to k + 1/2.
    """
    order = rng.permutation(real)
    whole = np.floor(repeat_factor[order])
    part = np.round((repeat_factor[order] - whole) * FACTOR_UNIT).astype(np.int64)
    passed = (np.cumsum(part) + FACTOR_UNIT // 2) // FACTOR_UNIT
    extra = np.diff(passed, prepend=0)
    return np.repeat(order, whole.astype(np.int64) + extra)


def _draw_cycling(
    pool: NDArray[np.int64], repeat_factor: NDArray[np.float64], count: int, epoch: int, seed: list[int]
) -> NDArray[np.int64]:
    """Places epoch * count ... (epoch + 1) * count of the endless sequence of reshuffled pools."""
    if not count:
        return np.empty(0, np.int64)
    repeats = bool((repeat_factor[pool] > 1).any())

    def shuffled(cycle: int) -> NDArray[np.int64]:
        rng = np.random.default_rng([*seed, cycle])
        return rng.permutation(_draw_real(pool, repeat_factor, rng) if repeats else pool)

    return endless_row(shuffled, _times(repeat_factor[pool]), epoch * count, count)


def _times(repeat_factor: NDArray[np.float64]) -> int:
    """How often `_draw_real` draws samples of these factors, all together."""
    whole = np.floor(repeat_factor)
    part = np.round((repeat_factor - whole) * FACTOR_UNIT).astype(np.int64)
    return int(whole.sum()) + (int(part.sum()) + FACTOR_UNIT // 2) // FACTOR_UNIT
