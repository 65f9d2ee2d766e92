"""What runs exported models here: the first of several candidates that really runs one batch of each of them.

`choose_runner` decides; a `Candidate` is one way to run a model. Models that are compared get the same kind of runner,
so that their difference is never one of runtimes. A candidate that fails leaves a reason of one line,
whatever its library raised.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from dataengine.errors import DataEngineError, EnvironmentFault
from dataengine.inference.exported import ONNX_FP32, ExportedModel
from dataengine.inference.running.predict import Runner

TRIED_CROPS = 2
_REASON_CHARACTERS = 300


@dataclass(frozen=True)
class Candidate:
    """One way to run exported models."""

    name: str
    """The name in params and reports, such as ``onnx-cpu``."""
    words: str
    """The name in messages, such as "ONNX Runtime on the CPU"."""
    file: str
    """Which of the exported files it runs."""
    open: Callable[[ExportedModel], Runner]
    """Makes the runner, or raises what is missing."""

    def file_of(self, model: ExportedModel) -> str:
        """Which file of that model it runs: an adopted network has one alone."""
        return ONNX_FP32 if model.is_adopted else self.file


@dataclass(frozen=True)
class ChosenRunner:
    """The runners that were chosen, and why others were not."""

    candidate: Candidate
    runners: tuple[Runner, ...]
    """One for each model, in their order."""
    passed_over: Mapping[str, str] = field(default_factory=dict)
    """Why each candidate before this one does not run here, by name."""

    def line(self) -> str:
        """Name and reasons in one line."""
        reasons = "; ".join(f"{name}: {why}" for name, why in self.passed_over.items())
        return f"runner: {self.candidate.words}, {self.candidate.file}" + (f" (not {reasons})" if reasons else "")


def choose_runner(candidates: Sequence[Candidate], models: Sequence[ExportedModel]) -> ChosenRunner:
    """The first of `candidates` that runs a batch of all `models`.

    Raises:
        EnvironmentFault: none of them does; it gives the reasons.
    """
    failed: dict[str, str] = {}
    for candidate in candidates:
        runners = try_candidate(candidate, models)
        if not isinstance(runners, str):
            return ChosenRunner(candidate, runners, failed)
        failed[candidate.name] = runners
    raise EnvironmentFault("nothing runs the model here", got="; ".join(f"{n}: {why}" for n, why in failed.items()))


def try_candidate(candidate: Candidate, models: Sequence[ExportedModel]) -> tuple[Runner, ...] | str:
    """A runner for each model, tested on a batch, or why there is none, in one line."""
    try:
        return tuple(_proved(candidate, model) for model in models)
    except Exception as error:  # a runtime's library may raise anything: that is a reason to pass it over
        return reason_of(error)


def open_named(candidate: Candidate, models: Sequence[ExportedModel]) -> ChosenRunner:
    """The candidate that was asked for by name.

    Raises:
        DataEngineError: what it lacks. Other faults of its library come as an `EnvironmentFault`.
    """
    try:
        return ChosenRunner(candidate, tuple(_proved(candidate, model) for model in models))
    except DataEngineError:
        raise
    except Exception as error:
        fix = "take another runner, or auto"
        raise EnvironmentFault(f"{candidate.words} does not run here", got=reason_of(error), fix=fix) from error


def reason_of(error: Exception) -> str:
    """What an exception says, in one line of readable length."""
    words = " ".join(str(error).split()) or type(error).__name__
    return words if len(words) <= _REASON_CHARACTERS else words[: _REASON_CHARACTERS - 3] + "..."


def _proved(candidate: Candidate, model: ExportedModel) -> Runner:
    """The candidate's runner, after it has answered a batch with what the network's head, if it is known, gives."""
    runner = candidate.open(model)
    meta = model.meta
    images = np.zeros((TRIED_CROPS, 3, meta.input_height_px, meta.input_width_px), dtype=np.float32)
    answer = runner(images)
    expected = len(answer) if model.is_adopted else len(meta.reader.outputs)
    if len(answer) != expected or any(len(array) != TRIED_CROPS for array in answer):
        got = ", ".join(str(array.shape) for array in answer)
        raise EnvironmentFault(f"{candidate.words} gives another answer", expected=f"{expected} tensors", got=got)
    if not all(np.isfinite(array).all() for array in answer):
        raise EnvironmentFault(f"{candidate.words} gives values that are not finite", got="NaN or infinity")
    return runner
