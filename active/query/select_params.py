"""Section `select` of params.yaml."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from dataengine.errors import ParamsError
from dataengine.params import require_seed, require_within

from ..choice.strategies import STRATEGIES
from .budget import UNITS


@dataclass(frozen=True)
class ScoreWeights:
    """How much each uncertainty counts; 0 leaves it out, and it is not computed."""

    spread: float = 1.0
    """Width of the student's predicted distributions."""
    entropy: float = 1.0
    """Entropy of the student's predicted distributions."""
    peaks: float = 0.0
    """Among how many places the student hesitates. Takes one more pass."""
    dropout: float = 0.0
    """How far the student disagrees with itself when parts of its features are dropped. Takes one more pass."""
    flip: float = 1.0
    """Distance between the student's answers to an image and to its mirror image."""
    jitter: float = 0.0
    """Scatter of the student's answers to crops that are a little off. Takes four more passes."""
    second: float = 0.0
    """Distance between the answers of the student and of the network --second."""
    jump: float = 0.0
    """Distance of joints from the straight way between the frames before and after."""
    implausible: float = 0.0
    """How far bones exceed the length that a person of that stature has."""
    teacher: float = 1.0
    """OKS that is lost if the teacher is right."""
    rarity: float = 0.0
    """A factor: a pose as far from the training people's as can be is worth 1 + this times what it else is worth."""

    def __post_init__(self) -> None:
        values = list(asdict(self).values())
        if min(values) < 0 or sum(values) == 0:
            raise ParamsError("weights", expected="none below 0, not all 0", got=str(values))


@dataclass(frozen=True)
class SelectParams:
    """What to ask people about."""

    budget: float
    """What may be spent on labels."""
    strategy: str
    """A name in `active/choice/strategies.py`."""
    min_gap_frames: int
    """Least distance in frames between two picks of one video: neighbouring frames are nearly the same. As near to a
    labelled frame that looks the same, a frame is not picked either."""
    appearance_weight: float
    """Share of appearance, against pose, in the distance between people, 0 to 1."""
    seed: int
    """Seed of the strategies that draw at random."""
    fiftyone: bool
    """Whether to build the FiftyOne dataset. The manifest is written either way."""
    dataset: str
    """Name of the dataset in FiftyOne."""
    budget_unit: str = "images"
    """What the budget counts: images, people, keypoints, or minutes of labelling."""
    seconds_per_joint: float = 3.0
    """What a joint takes, for a budget in minutes, unless the label store has enough recorded times to learn it."""
    film_excess: float = 1.5
    """How often its equal share of the picks a video may get while others have images left; 1 or more."""
    weights: ScoreWeights = field(default_factory=ScoreWeights)
    """How the uncertainties are combined."""

    def __post_init__(self) -> None:
        if self.strategy not in STRATEGIES:
            raise ParamsError("strategy", expected=" | ".join(STRATEGIES), got=repr(self.strategy))
        if self.budget_unit not in UNITS:
            raise ParamsError("budget_unit", expected=" | ".join(UNITS), got=repr(self.budget_unit))
        if self.budget_unit == "images" and self.budget < 1:
            raise ParamsError("budget", expected="at least 1 image", got=str(self.budget))
        for name in ("budget", "seconds_per_joint"):
            if not getattr(self, name) > 0:
                raise ParamsError(name, expected="above 0", got=str(getattr(self, name)))
        if not self.film_excess >= 1:
            raise ParamsError("film_excess", expected="1 or more", got=str(self.film_excess))
        require_within(self, "appearance_weight", 0, 1)
        if self.min_gap_frames < 0:
            raise ParamsError("min_gap_frames", expected="0 or more", got=str(self.min_gap_frames))
        require_seed(self)
