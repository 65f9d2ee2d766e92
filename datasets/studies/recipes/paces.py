"""How many people a second each recipe is fitted with on this machine: what equal time is made of.

Renders, photographs and mixes are decoded at different speeds. A pace is measured once, by a short fit, and kept in a
file, so that a fit stays a function of its params: the number of people follows from the pace, not from the clock.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dataengine.errors import InputError
from dataengine.files import read_json, write_json

from .plan import PRETRAIN, SYNTHETIC, RecipeRun

PROBED_PER_EPOCH = 640
"""People in each epoch of a fit that measures a pace."""
_LIKE = {PRETRAIN: SYNTHETIC, "pretrain-mix": "mix", "pretrain-real": "real"}  # the second half draws what these draw


@dataclass(frozen=True)
class Paces:
    """Paces kept in the file `path`; `measure` finds those of recipes that are missing.

    `name` gives all that decides a recipe's pace a name: another curriculum under the same recipe has another.
    """

    path: Path
    measure: Callable[[str], float]
    name: Callable[[str], str]

    def of(self, run: RecipeRun) -> float:
        """People a second of a run's recipe. Raises InputError if the fit that measures it reports none."""
        recipe = _LIKE.get(run.recipe, run.recipe)
        known = dict(read_json(self.path)) if self.path.exists() else {}
        name = self.name(recipe)
        if name not in known:
            known[name] = self.measure(recipe)
            if not known[name] > 0:
                fix = "compare by --people"
                raise InputError(f"the pace of {recipe} is unknown", got=str(known[name]), fix=fix)
            write_json(self.path, known)
        return float(known[name])
