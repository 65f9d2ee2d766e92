from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dataengine.errors import EnvironmentFault, InputError
from dataengine.inference.choose_runner import TRIED_CROPS, Candidate, choose_runner, open_named
from dataengine.inference.exported import ExportedModel
from dataengine.inference.running.predict import Runner
from dataengine.nets.checkpoint import ModelMeta

META = ModelMeta("residual", input_width_px=64, input_height_px=32)
OLD, NEW = (ExportedModel(Path(name), name, META, {}) for name in ("old", "new"))


def answering(images: np.ndarray) -> tuple[np.ndarray, ...]:
    """What a SimCC head of that layout gives."""
    assert images.shape == (TRIED_CROPS, 3, 32, 64) and images.dtype == np.float32
    return np.zeros((len(images), 17, 128)), np.zeros((len(images), 17, 64))


def candidate(name: str, opener: Callable[[ExportedModel], Runner]) -> Candidate:
    return Candidate(name, f"the {name}", f"{name}.file", opener)


def raising(error: Exception) -> Callable[[ExportedModel], Runner]:
    def opener(model: ExportedModel) -> Runner:
        raise error

    return opener


def failing_when_run(images: np.ndarray) -> tuple[np.ndarray, ...]:
    raise RuntimeError("CUDA error: no kernel image\nis available for execution")


WORKS = candidate("works", lambda model: answering)


def test_the_first_that_really_runs_is_taken_and_the_others_leave_a_line() -> None:
    absent = candidate("absent", raising(EnvironmentFault("no CUDA device", fix="take another")))
    broken = candidate("broken", lambda model: failing_when_run)
    later = candidate("later", lambda model: pytest.fail("what comes after the chosen one is not opened"))
    chosen = choose_runner([absent, broken, WORKS, later], [NEW])
    assert chosen.candidate is WORKS
    assert chosen.runners == (answering,)
    assert chosen.passed_over == {
        "absent": "no CUDA device; take another",
        "broken": "CUDA error: no kernel image is available for execution",
    }
    assert chosen.line().startswith("runner: the works, works.file (not absent: no CUDA device")
    assert "\n" not in chosen.line()


def test_two_models_are_never_run_by_different_runners() -> None:
    def only_new(model: ExportedModel) -> Runner:
        if model is OLD:
            raise InputError("a model has no engine")
        return answering

    chosen = choose_runner([candidate("engine", only_new), WORKS], [NEW, OLD])
    assert chosen.candidate is WORKS and len(chosen.runners) == 2
    assert chosen.passed_over == {"engine": "a model has no engine"}
    assert choose_runner([candidate("engine", only_new), WORKS], [NEW]).candidate.name == "engine"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((np.zeros((TRIED_CROPS, 17, 128)),), "expected 2 tensors"),
        ((np.zeros((1, 17, 128)), np.zeros((1, 17, 64))), "expected 2 tensors"),
        ((np.zeros((TRIED_CROPS, 17, 128)), np.full((TRIED_CROPS, 17, 64), np.nan)), "not finite"),
    ],
)
def test_a_runner_that_answers_nonsense_does_not_run(answer: tuple[np.ndarray, ...], reason: str) -> None:
    chosen = choose_runner([candidate("odd", lambda model: lambda images: answer), WORKS], [NEW])
    assert chosen.candidate is WORKS
    assert reason in chosen.passed_over["odd"]


def test_nothing_that_runs_is_an_error_with_all_reasons() -> None:
    broken = [candidate(name, raising(OSError(f"lib{name}.so"))) for name in ("one", "two")]
    with pytest.raises(EnvironmentFault, match=r"nothing runs the model here.*one: libone\.so; two: libtwo\.so"):
        choose_runner(broken, [NEW])


def test_a_reason_is_one_readable_line() -> None:
    talking = candidate("talking", raising(ValueError("a\n" * 5000)))
    silent = candidate("silent", raising(KeyboardInterruptLike()))
    passed_over = choose_runner([talking, silent, WORKS], [NEW]).passed_over
    assert len(passed_over["talking"]) == 300 and passed_over["talking"].endswith("...")
    assert passed_over["silent"] == "KeyboardInterruptLike"


class KeyboardInterruptLike(Exception):
    """Says nothing."""


def test_a_runner_that_is_named_raises_its_own_error() -> None:
    with pytest.raises(InputError, match="no engine"):
        open_named(candidate("engine", raising(InputError("a model has no engine"))), [NEW])
    with pytest.raises(EnvironmentFault, match=r"the engine does not run here.*no kernel image.*or auto"):
        open_named(candidate("engine", lambda model: failing_when_run), [NEW])
    assert open_named(WORKS, [NEW, OLD]).runners == (answering, answering)
