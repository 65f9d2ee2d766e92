"""What the stages before a fit wrote, read as the people to learn from: the mix, pseudo-labels, an older mix."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.coco_json import read_project_people
from dataengine.errors import InputError
from dataengine.files import sha256_file
from dataengine.labelled_set import joined
from dataengine.labels.kept_pictures import PICTURE_SHA256, refuse_changed_under
from dataengine.mixing import read_recipe
from dataengine.people import Images, People, Source
from dataengine.terminal.speech import say

from .curriculum import Phase
from .replay import ReplayParams
from .training_set import Mix, TrainingSet

MIX_PEOPLE, MIX_RECIPE = "train.json", "recipe.json"
REPEAT, POSE_REPEATS = "repeat_factor", "pose_repeats"  # columns of the mix
NO_REPLAY = ReplayParams()


def read_training_set(
    mix: Path,
    pseudo: Path | None,
    pseudo_per_real: float,
    replay: ReplayParams = NO_REPLAY,
    only: Source | None = None,
    curriculum: tuple[Phase, ...] = (),
) -> TrainingSet:
    """The mix in folder `mix`, the people of `pseudo` at `pseudo_per_real`, and the old mix of `replay`.

    Pseudo-labels of pictures that are in the mix, by path or by content, are left out: there somebody has labelled whom
    they saw, or confirmed that nobody is there. A picture of the mix that is not the one that was labelled is an
    `InputError`. Where no pseudo-labels are left the mix alone is drawn; with `only` "pseudo" the first draw is
    an `InputError`. `only` overrides what the mix says about sources, and the phases of `curriculum` override both.
    """
    people, images, new_mix = _read_mix(mix)
    pseudo_rows = slice(0)
    if pseudo is not None and (pseudo_per_real > 0 or only == "pseudo" or any(p.draws_pseudo for p in curriculum)):
        more, more_images = read_project_people(pseudo)
        more = more.take(~shows_any(people, images, more_images)[more_images.rows_of(more.image_id)])
        pseudo_rows = slice(len(images), len(images) + len(more_images))
        people, images = joined([(people, images), (more, more_images)])
        factor = np.concatenate([new_mix.repeat_factor, np.ones(len(more))])
        if not len(more):
            say(f"{pseudo} has nobody: the fit goes on without pseudo-labels")
            curriculum = tuple(phase.without_pseudo() for phase in curriculum)
        ratio = pseudo_per_real if len(more) else 0.0
        repeats = pose_repeats(people.replace(extras={**people.extras, REPEAT: factor}))
        new_mix = Mix(people.source, factor, replace(new_mix.recipe, pseudo_per_real=ratio), repeats)
    if only is not None:
        new_mix = replace(new_mix, recipe=replace(new_mix.recipe, only=only))
    old_mix = None
    if replay.mix is not None:
        old_people, old_images, old_mix = _read_mix(Path(replay.mix))
        people, images = joined([(people, images), (old_people, old_images)])
    return TrainingSet(
        people,
        images,
        new_mix,
        replayed=old_mix,
        replay_share=replay.share if old_mix else 0.0,
        curriculum=curriculum,
        pseudo_images=images.id[pseudo_rows],
    )


def shows_any(people: People, known: Images, images: Images) -> NDArray[np.bool_]:
    """Which of `images` (m,) are files that `known` names, too, or copies of those in which nobody was seen or labelled
    by hand: labels have copies of their own of the pool's pictures."""
    files = {Path(path).resolve() for path in known.path.tolist()}
    by_hand = {str(sha256) for sha256 in people.extras.get(PICTURE_SHA256, []) if sha256}
    empty = map(Path, known.path[~np.isin(known.id, people.image_id)].tolist())
    by_hand |= {sha256_file(path) for path in empty if path.exists()}
    shown = [
        path.resolve() in files or (bool(by_hand) and path.exists() and sha256_file(path) in by_hand)
        for path in map(Path, images.path.tolist())
    ]
    return np.array(shown, dtype=bool)


def _read_mix(mix: Path) -> tuple[People, Images, Mix]:
    """What the stage mix wrote into a folder."""
    people, images = read_project_people(mix / MIX_PEOPLE)
    refuse_changed_under(people, images, mix / MIX_PEOPLE)
    repeat_factors: Any = people.extras.get(REPEAT, None if len(people) else [])  # a file of nobody has no columns
    if repeat_factors is None:
        raise InputError(f"{mix / MIX_PEOPLE} has no repeat factors", fix="run `dataengine mix`")
    factor = np.array([1.0 if value is None else float(value) for value in repeat_factors])
    recipe = read_recipe(mix / MIX_RECIPE).without_pseudo()
    repeats = pose_repeats(people.replace(extras={**people.extras, REPEAT: factor}))
    return people, images, Mix(people.source, factor, recipe, repeats)


def pose_repeats(people: People) -> NDArray[np.float64]:
    """The repeat factor (n,) of each person's pose: the mix's column, or their own where it says nothing."""
    own = people.extras[REPEAT]
    column = people.extras.get(POSE_REPEATS, np.full(len(people), None))
    return np.array([float(own[i] or 1.0) if value is None else float(value) for i, value in enumerate(column)])
