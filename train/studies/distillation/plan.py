"""Who teaches whom: every descending way through a chain of networks, from the student up to its teachers.

Of W48, W32 and small these are the three alone, W32 taught by W48, small by either, and small by the W32 that W48 has
taught. All fits see as many people.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

from dataengine.errors import InputError
from dataengine.nets.table import NETWORKS
from dataengine.studies.settings import NULL, section_of

STAGE = "fit-student"
SECTIONS = ("fit", STAGE, "oks", "compare", "registry")
MOST_NETWORKS = 4  # which have fifteen ways
STARTS = {"none": NULL, "starter": "starter"}
OWN_KEYS = (
    *("seed", "epochs", "people_per_epoch", "patience", "ship", "only", "curriculum", "replay", "network"),
    *("start_from", "pseudo_per_real", "distill.teacher", "consistency.mode"),
)
OWNED = frozenset(f"{section}.{key}" for section in ("fit", STAGE) for key in OWN_KEYS)


@dataclass(frozen=True, order=True)
class DistilFit:
    """One fit."""

    way: tuple[str, ...]
    """Labels of the student, its teacher, that one's teacher and so on; one label: nobody teaches."""
    seed: int

    @property
    def teacher(self) -> "DistilFit | None":
        """The fit whose network teaches."""
        return DistilFit(self.way[1:], self.seed) if len(self.way) > 1 else None


@dataclass(frozen=True, kw_only=True)
class DistilPlan:
    """What is compared."""

    networks: Mapping[str, str]
    """Label -> name in the table of networks, largest first."""
    seeds: tuple[int, ...]
    people: int
    """That every fit sees, in all epochs together."""
    epochs: int
    start: str
    """Key of `STARTS`."""
    settings: Mapping[str, str]
    """``fit.key`` or ``fit-student.key`` -> value, of all fits."""
    own: Mapping[str, Mapping[str, str]]
    """Label -> key -> value, of the fits of one network."""

    def ways(self) -> list[tuple[str, ...]]:
        """Every way, teachers before those whom they teach: by the student's place in the chain, then by length."""
        down = list(self.networks)
        every = [way[::-1] for size in range(1, len(down) + 1) for way in combinations(down, size)]
        return sorted(every, key=lambda way: (down.index(way[0]), len(way)))

    def fits(self) -> list[DistilFit]:
        """Seed by seed, so that a study that was stopped has treated all alike."""
        return [DistilFit(way, seed) for seed in self.seeds for way in self.ways()]

    def fit_params(self, fit: DistilFit, teacher: str | None) -> dict[str, str]:
        """Params of a fit; `teacher` is the folder of the network that teaches."""
        label = fit.way[0]
        own = {
            "seed": str(fit.seed),
            "network": self.networks[label],
            "epochs": str(self.epochs),
            "people_per_epoch": str(self.people // self.epochs),
            "patience": "0",
            "ship": "last",
            "only": NULL,
            "start_from": STARTS[self.start],
            "pseudo_per_real": "0.0",
            "distill.teacher": teacher or NULL,
            "consistency.mode": "none",
            **self.own.get(label, {}),
        }
        return {**self.settings, **{f"{STAGE}.{key}": value for key, value in own.items()}}


def parse_networks(given: list[str]) -> dict[str, str]:
    """Label -> name of each ``NAME`` or ``LABEL=NAME``.

    Raises:
        InputError: fewer than two or more than four, a label twice, one that is a section of params.yaml, or an unknown
            network.

    >>> parse_networks(["hrnet-w48", "small=residual"])
    {'hrnet-w48': 'hrnet-w48', 'small': 'residual'}
    """
    pairs = [(label, name or label) for label, _, name in (text.partition("=") for text in given)]
    networks = dict(pairs)
    if not 2 <= len(networks) <= MOST_NETWORKS or len(networks) < len(pairs):
        expected = f"2 to {MOST_NETWORKS} different labels, largest network first"
        raise InputError("--network does not make a chain", expected=expected, got=", ".join(given))
    for label, name in pairs:
        if name not in NETWORKS or label in SECTIONS or not label.replace("-", "").replace("_", "").isalnum():
            expected = f"NAME or LABEL=NAME of {' | '.join(NETWORKS)}"
            raise InputError("--network is unknown", expected=expected, got=f"{label}={name}")
    return networks


def parted_settings(
    settings: Mapping[str, str], networks: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """Settings of all fits, and those of one network by its label: ``small.network_kwargs`` as ``fit-student`` has it.

    Raises:
        InputError: one is of neither, or is a param that the study sets itself.
    """
    shared: dict[str, str] = {}
    own: dict[str, dict[str, str]] = {}
    for key, value in settings.items():
        section, _, rest = key.partition(".")
        if section in networks and rest not in OWN_KEYS:
            own.setdefault(section, {})[rest] = value
        elif section_of(key) in SECTIONS:
            shared[key] = value
        else:
            expected = " | ".join(f"{name}.key" for name in (*SECTIONS, *networks))
            raise InputError("--set changes what no fit reads", expected=expected, got=key)
    return shared, own
