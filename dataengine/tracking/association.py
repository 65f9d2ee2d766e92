"""How likely a track and a new pose are the same person: weights of their signs, as a file and as probabilities."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.files import atomic_path

from .pair_signs import SIGNS

SHIPPED = Path(__file__).with_name("association.yaml")
"""Learned on renders alone, by the command that the file names."""


@dataclass(frozen=True)
class Association:
    """log odds = (signs - mean) / scale @ weights + bias."""

    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    bias: float
    least_log_odds: float = 0.0
    """A pair above it may be one person; below even odds, since a new person is rarer in a film than among pairs."""

    def log_odds(self, signs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log odds (k, n) of pairs with signs (k, n, 10)."""
        scaled = (signs - np.array(self.mean)) / np.array(self.scale)
        return np.asarray(scaled @ np.array(self.weights) + self.bias)


def fit_association(signs: NDArray[np.float64], same: NDArray[np.bool_], weight: NDArray[np.float64]) -> Association:
    """Logistic regression of pairs with signs (m, 10), of which `same` (m,) says whether they are one person.

    `weight` (m,) is that of each pair. Raises InputError where all pairs are the same person, or none is.
    """
    from sklearn.linear_model import LogisticRegression

    if same.all() or not same.any():
        raise InputError("there is nothing to learn", expected="pairs of the same person and of two", got="one kind")
    mean, scale = signs.mean(axis=0), signs.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    fitted = LogisticRegression(max_iter=2000).fit((signs - mean) / scale, same, sample_weight=weight)
    return Association(_floats(mean), _floats(scale), _floats(fitted.coef_[0]), float(fitted.intercept_[0]))


def write_association(path: Path, association: Association, lineage: dict[str, Any]) -> None:
    """Write the weights, the names of their signs, and what they were made from."""
    numbers = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(association).items()}
    with atomic_path(path) as partial:
        text = yaml.safe_dump({"signs": list(SIGNS), **numbers, "lineage": lineage}, sort_keys=False)
        partial.write_text(text, encoding="utf-8")


def read_association(path: Path = SHIPPED) -> Association:
    """The weights of a file that `write_association` wrote. Raises InputError where it is another file."""
    try:
        stated = yaml.safe_load(path.read_text(encoding="utf-8"))
        if stated["signs"] != list(SIGNS):
            raise ValueError(f"signs {', '.join(stated['signs'])}")
        mean, scale, weights = (_floats(stated[name]) for name in ("mean", "scale", "weights"))
        bias, least = float(stated["bias"]), float(stated["least_log_odds"])
        association = Association(mean, scale, weights, bias, least)
        finite = np.isfinite([*mean, *scale, *weights, bias, least]).all()
        if {len(mean), len(scale), len(weights)} != {len(SIGNS)} or not finite or min(scale) <= 0:
            raise ValueError("numbers that are missing or not finite")
    except (OSError, KeyError, TypeError, ValueError, yaml.YAMLError) as error:
        got = f"missing key {error}" if isinstance(error, KeyError) else str(error)
        raise InputError(f"{path} does not fit", expected="a file that fit-tracker wrote", got=got) from error
    return association


def _floats(values: Iterable[Any]) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
