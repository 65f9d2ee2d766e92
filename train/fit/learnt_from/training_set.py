"""The people that a fit learns from, and which of them each epoch draws."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from dataengine.keypoints import UNLABELLED
from dataengine.labels.joint_weights import training_weights
from dataengine.mixing import MixRecipe, draw_epoch, endless_row, with_replay
from dataengine.people import Images, People

from .curriculum import Phase, place_at


@dataclass(frozen=True, eq=False)
class Mix:
    """Sources and repeat factors of n people, and the recipe by which epochs are drawn from them."""

    source: NDArray[np.str_]  # (n,)
    repeat_factor: NDArray[np.float64]  # (n,), 1 for people who are not real
    recipe: MixRecipe
    pose_repeats: NDArray[np.float64] | None = None
    """(n,) the repeat factor that balance gives each person's pose, whatever their source; None: all are alike."""

    def draw(self, epoch: int) -> NDArray[np.int64]:
        """Rows of draw number `epoch`."""
        return draw_epoch(self.source, self.repeat_factor, self.recipe, epoch)

    def by(self, phase: Phase, epoch: int = 0) -> "Mix":
        """The same people as `phase` draws them in its own `epoch`."""
        weight, recipe = phase.rare_weight(epoch), phase.recipe(self.recipe)
        if weight is None or self.pose_repeats is None:
            return replace(self, recipe=recipe)
        return replace(self, recipe=recipe, repeat_factor=1 + weight * (self.pose_repeats - 1))


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """The people to learn from and how an epoch is drawn from them: the mix's first, then those that are replayed."""

    people: People
    images: Images
    mix: Mix
    replayed: Mix | None = None
    replay_share: float = 0.0
    curriculum: tuple[Phase, ...] = ()
    """Phases that draw the mix in their own way."""
    pseudo_images: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    """Ids of the images that pseudo-labels name: people have looked at all others, those that show nobody, too."""

    @classmethod
    def of_one_source(cls, people: People, images: Images, seed: int) -> "TrainingSet":
        """Everybody, drawn evenly. People of several sources are a ValueError."""
        (source,) = set(people.source.tolist()) or {"real"}  # of nobody the first draw complains
        only = None if source == "real" else source
        recipe = MixRecipe(synthetic_per_real=0.0, pseudo_per_real=0.0, seed=seed, only=only)
        return cls(people, images, Mix(people.source, np.ones(len(people)), recipe))

    def order(self, epoch: int, draws: int, people: int | None = None) -> NDArray[np.int64]:
        """Rows to visit in `epoch`, which draws the mix `draws` times and adds its share of old people.

        With `people`, an epoch is the next `people` rows of the endless sequence of draws instead of whole draws, so
        that fits on sets of any size see the same number of people.
        """
        mix = self._mix_of(epoch)
        if people is None:
            new = np.concatenate([mix.draw(epoch * draws + i) for i in range(draws)])
        else:
            new = endless_row(mix.draw, len(mix.draw(0)), epoch * people, people)
        if self.replayed is None:
            return new
        old, first = self.replayed, len(self.mix.source)
        return with_replay(new, lambda e: first + old.draw(e), self.replay_share, self.mix.recipe.seed, epoch)

    def mixes(self) -> list[Mix]:
        """The mix as each phase draws it, and the replayed one."""
        own = [self.mix.by(phase) for phase in self.curriculum] or [self.mix]
        return [*own, *([self.replayed] if self.replayed else [])]

    def _mix_of(self, epoch: int) -> Mix:
        if not self.curriculum:
            return self.mix
        place = place_at(self.curriculum, epoch)
        return self.mix.by(place.phase, epoch - place.start)

    def taught(self, epochs: int, draws: int, people: int | None = None) -> NDArray[np.bool_]:
        """Which joints (17,) are labelled, and count, in somebody who is drawn in `epochs` epochs."""
        drawn = np.zeros(len(self.people), dtype=bool)
        for epoch in range(epochs):
            drawn[self.order(epoch, draws, people)] = True
        people_drawn = self.people.take(drawn)
        counts = (people_drawn.visibility > UNLABELLED) & (training_weights(people_drawn) > 0)
        return np.asarray(counts.any(axis=0), dtype=bool)


def drawn_images(training: TrainingSet) -> Images:
    """The images whose people may be drawn in some epoch, those of the replayed mix among them."""
    images = training.images
    return images.take(np.unique(images.rows_of(training.people.image_id[_may_be_drawn(training)])))


def labels_drawn(training: TrainingSet) -> dict[str, int]:
    """How much that people labelled may be drawn: `images` with real people, and these `people`."""
    real = training.people.take(_may_be_drawn(training) & (training.people.source == "real"))
    return {"images": len(np.unique(real.image_id)), "people": len(real)}


def _may_be_drawn(training: TrainingSet) -> NDArray[np.bool_]:
    drawn = np.zeros(len(training.people), dtype=bool)
    own = len(training.mix.source)
    for mix in training.mixes():
        part = drawn[own:] if mix is training.replayed else drawn[:own]
        part |= _drawn(mix)
    return drawn


def _drawn(mix: Mix) -> NDArray[np.bool_]:
    """(n,) whether the recipe leaves each person's source in."""
    only = mix.recipe.only
    return np.ones(len(mix.source), dtype=bool) if only is None else mix.source == only
