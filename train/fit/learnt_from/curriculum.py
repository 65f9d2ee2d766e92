"""What a fit learns from in which order: phases, each with draws and a rise and fall of the learning rate of its own.

Rendered people first and real ones afterwards, say, and pseudo-labels last. Without phases the whole fit is one,
drawn as the mix says.
"""

from dataclasses import dataclass, field, replace

from dataengine.errors import ParamsError
from dataengine.mixing import MixRecipe
from dataengine.people import Source


@dataclass(frozen=True)
class Phase:
    """A number of epochs with draws and rates of their own; null leaves a key as the fit or the mix has it."""

    epochs: int
    only: Source | None = None
    """The one source that is drawn."""
    synthetic_per_real: float | None = None
    """Synthetic people drawn per real one."""
    pseudo_per_real: float | None = None
    """Pseudo-labelled people drawn per real one."""
    learning_rate: float | None = None
    """Highest learning rate of the phase."""
    layer_decay: float | None = None
    """Factor on the learning rate for each stage of the network from the head to the image."""
    rare_draws: tuple[float, float] | None = None
    """How much more often people in rare poses are drawn than others, in the phase's first epoch and in its last, and
    evenly between: 0 as often as others, 1 as balance repeats them, 2 with twice as many draws added. Rendered and
    pseudo-labelled people count like real ones. Null: real people as balance says, others alike."""
    augment: dict[str, float] = field(default_factory=dict)
    """Keys of `augment` that the phase has otherwise: RTMPose's two stages are strong first and weak last."""

    goes_on: bool = False
    """Whether the learning rate goes on from the phase before, in one rise and fall with it and to its height."""

    def __post_init__(self) -> None:
        if self.epochs < 1:
            raise ParamsError("epochs of a phase", expected="1 or more", got=repr(self.epochs))
        for name in ("synthetic_per_real", "pseudo_per_real"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise ParamsError(f"{name} of a phase", expected="0 or more, or null", got=repr(value))
        if self.rare_draws is not None and not all(0 <= value < float("inf") for value in self.rare_draws):
            raise ParamsError("rare_draws of a phase", expected="two numbers, 0 or more", got=repr(self.rare_draws))
        if self.goes_on and self.learning_rate is not None:
            got, fix = repr(self.learning_rate), "leave it out, or set goes_on: false"
            raise ParamsError(
                "learning_rate of a phase that goes on", expected="that of the phase before", got=got, fix=fix
            )
        if self.learning_rate is not None and not self.learning_rate > 0:
            raise ParamsError("learning_rate of a phase", expected="above 0, or null", got=repr(self.learning_rate))
        if self.layer_decay is not None and not 0 < self.layer_decay <= 1:
            got = repr(self.layer_decay)
            raise ParamsError("layer_decay of a phase", expected="above 0 and at most 1, or null", got=got)

    @property
    def draws_pseudo(self) -> bool:
        """Whether the phase itself asks for pseudo-labels."""
        return self.only == "pseudo" or bool(self.pseudo_per_real)

    def without_pseudo(self) -> "Phase":
        """The phase where there are no pseudo-labels; one that draws them alone stays as it is."""
        return replace(self, pseudo_per_real=0.0) if self.pseudo_per_real else self

    def recipe(self, mix: MixRecipe) -> MixRecipe:
        """How the phase draws from the mix. A phase that names a ratio draws by ratios, whatever the mix says."""
        named = {
            name: value
            for name in ("synthetic_per_real", "pseudo_per_real")
            if (value := getattr(self, name)) is not None
        }
        only = self.only if self.only is not None or named else mix.only
        return replace(mix, only=only, **named)

    def rare_weight(self, epoch: int) -> float | None:
        """`rare_draws` in the phase's own `epoch`, 0 the first; None where it is not set."""
        if self.rare_draws is None:
            return None
        first, last = self.rare_draws
        return first + (last - first) * (epoch / (self.epochs - 1) if self.epochs > 1 else 1.0)


def rate_span(phases: tuple[Phase, ...], epoch: int) -> tuple[Phase, int, int]:
    """The phase whose learning rate `epoch` has, and the first epoch and the number of epochs of its rise and fall."""
    first = place_at(phases, epoch).number
    while first and phases[first].goes_on:
        first -= 1
    end = first + 1
    while end < len(phases) and phases[end].goes_on:
        end += 1
    start = sum(phase.epochs for phase in phases[:first])
    return phases[first], start, sum(phase.epochs for phase in phases[first:end])


@dataclass(frozen=True)
class Place:
    """A phase, and where it lies in the fit."""

    phase: Phase
    start: int
    """Its first epoch."""
    number: int
    """How many phases come before it."""


def place_at(phases: tuple[Phase, ...], epoch: int) -> Place:
    """The one of `phases` that `epoch` lies in."""
    start = 0
    for number, phase in enumerate(phases):
        if epoch < start + phase.epochs:
            return Place(phase, start, number)
        start += phase.epochs
    raise IndexError(f"epoch {epoch} of {start}")
