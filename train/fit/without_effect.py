"""Params that change nothing with the people at hand: a fit says so, since nobody would notice."""

import numpy as np

from dataengine.terminal.speech import say

from .learnt_from.training_set import TrainingSet
from .params import FitParams

OF_RENDERS = ("background_share", "pasted_share")


def say_without_effect(stage: str, params: FitParams, training: TrainingSet) -> None:
    """One line for each param that is set and has nothing to work on."""
    asked = [name for name in OF_RENDERS if any(getattr(each, name) for each in params.augments)]
    if not (training.people.source == "synthetic").any():
        for name in asked:
            say(f"{stage}: augment.{name} changes nothing: it takes rendered people, and the mix has none")
    repeats = training.mix.pose_repeats
    if any(phase.rare_draws for phase in params.phases) and (repeats is None or not np.any(repeats != 1)):
        say(f"{stage}: rare_draws changes nothing: by balance nobody in the mix is in a rare pose")
