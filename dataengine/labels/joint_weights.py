"""How far each joint of a person is trusted in training: extra column `joint_weight` of `People`, 17 numbers a person.

A joint counts in a loss with its person's `weight` times its own; `training_weights` is that product. A person without
the column, or with None in it, has 1 for every joint. In COCO JSON the column is a list of 17 under the same key.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.people import JOINTS, People

JOINT_WEIGHT = "joint_weight"
_DECIMALS = 4  # as files have them


def with_joint_weights(people: People, weights: NDArray[np.floating[Any]]) -> People:
    """`people` with the column, from weights (n, 17) of 0 or more, rounded to four decimals."""
    return people.with_extra(JOINT_WEIGHT, np.round(_checked(weights, len(people)), _DECIMALS))


def joint_weights(people: People) -> NDArray[np.float32]:
    """The column as an array (n, 17), 1 where a person has none.

    Raises:
        InputError: a person has something other than 17 finite numbers of 0 or more.
    """
    column = people.extras.get(JOINT_WEIGHT)
    given = [None] * len(people) if column is None else column
    rows = [np.ones(JOINTS) if value is None else value for value in given]
    return _checked(rows, len(people)).astype(np.float32)


def training_weights(people: People) -> NDArray[np.float32]:
    """What each joint (n, 17) counts in a loss, if it is labelled: the person's weight times the joint's own."""
    return people.weight[:, None] * joint_weights(people)


def _checked(rows: Any, n: int) -> NDArray[np.float64]:
    try:
        weights = np.asarray(rows, dtype=np.float64).reshape(n, JOINTS)
    except (TypeError, ValueError) as error:
        raise _fault(str(error)) from error
    if n and not (np.isfinite(weights).all() and weights.min() >= 0):
        row = int(np.flatnonzero(~((weights >= 0) & np.isfinite(weights)).all(axis=1))[0])
        raise _fault(f"{weights[row].tolist()} for person {row}")
    return weights


def _fault(got: str) -> InputError:
    return InputError(f"{JOINT_WEIGHT} is malformed", expected=f"{JOINTS} finite numbers of 0 or more", got=got)
