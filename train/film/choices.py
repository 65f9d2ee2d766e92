"""What the options of `label-video` choose: the teachers, the detector, and the rule of trust."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from dataengine.errors import InputError
from dataengine.evaluation.ap.protocol import OksProtocol
from dataengine.films import detectors
from dataengine.films.detectors import BLAZEPOSE, BoxesOfFile, FilmDetector
from dataengine.inference.running.predict import load_runner
from dataengine.judges.turned_views import VIEWS, TurnedView
from dataengine.people import Images, People
from dataengine.terminal.speech import say

from ..pseudo.filters import Opinion
from ..pseudo.params import PseudoLabelParams
from ..pseudo.teachers import ask_models
from ..trust.rule import TrustRule, read_trust
from ..trust.validation import learn_from
from .teachers import BlazePoseTeacher, FilmTeacher, NetworkTeacher


def chosen_teachers(models: tuple[str, ...], blazepose: Path, *, views: bool) -> tuple[FilmTeacher, ...]:
    """The networks of checkpoint folders, and BlazePose of the models in the folder `blazepose` where it is named.

    With `views`, each is shown `VIEWS`.
    """
    return tuple(_teacher(model, blazepose, VIEWS if views else ()) for model in models)


def _teacher(model: str, blazepose: Path, shown: tuple[TurnedView, ...]) -> FilmTeacher:
    if model == BLAZEPOSE:
        return BlazePoseTeacher(blazepose, shown)
    return NetworkTeacher(Path(model).name, *load_runner(Path(model)), views=shown)


@dataclass(frozen=True)
class ChosenDetector:
    """A detector that each film opens for itself."""

    opened: Callable[[], FilmDetector]
    settings: dict[str, object] = field(default_factory=dict)
    """What decides its boxes besides the files that `deciding_hash` reads."""


def chosen_detector(
    name: str, blazepose: Path, *, boxes: Path | None, least_score: float | None, every: int
) -> ChosenDetector:
    """The boxes of a file, BlazePose, or what `TransformersDetector` opens under `name`, once for all films."""
    stated: dict[str, object] = {} if least_score is None else {"box_score": least_score}
    if boxes is not None:
        return ChosenDetector(lambda: BoxesOfFile(boxes, least_score), stated)
    if name == BLAZEPOSE:
        # one thread: networks read at the same time, and two need more work for the same
        return ChosenDetector(lambda: detectors.BlazePoseDetector(blazepose, every, threads=1))
    from dataengine.films.transformers_detector import TransformersDetector

    network = TransformersDetector(name, every, least_score)
    return ChosenDetector(lambda: network, stated | {"detector": network.identity})


def chosen_rule(
    params: PseudoLabelParams,
    models: tuple[str, ...],
    names: tuple[str, ...],
    *,
    trust: Path | None,
    val: Path | None,
    blazepose: Path,
    protocol: OksProtocol,
    views: bool,
) -> TrustRule | None:
    """The rule of an earlier call, or one learned on validation people; None: by thresholds.

    Raises InputError where `trust` is of other teachers than `names`.
    """
    if trust is not None:
        rule = read_trust(trust)
        if rule.teachers != names:
            raise InputError(f"{trust} is of other models", expected=", ".join(names), got=", ".join(rule.teachers))
        return rule

    def ask(images: Images) -> tuple[People, tuple[Opinion, ...]]:
        return ask_models(images, blazepose, models, max_gap=params.max_gap, views=views)

    learned = learn_from(val, params, names, ask, sigmas=protocol.sigmas)
    say(learned.line())
    return learned.rule
