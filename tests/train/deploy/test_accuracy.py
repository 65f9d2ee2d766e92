import time

import numpy as np

from dataengine.inference.running.predict import Runner
from dataengine.train.deploy.accuracy import TURNS, latencies_ms


def test_runners_take_turns_and_each_turn_warms_up() -> None:
    calls: list[str] = []

    def named(name: str, seconds: float) -> Runner:
        def run(images: np.ndarray) -> tuple[np.ndarray, ...]:
            calls.append(name)
            time.sleep(seconds)
            return (images,)

        return run

    runners = {"slow": named("slow", 0.02), "fast": named("fast", 0.0)}
    found = latencies_ms(runners, np.zeros((2, 3, 4, 4), np.float32), runs=2 * TURNS)
    assert calls == (["slow"] * 3 + ["fast"] * 3) * TURNS
    assert found["slow"]["batch"] == 2
    assert found["slow"]["best"] >= 10, "0.02 s for two crops"
    assert found["fast"]["best"] <= found["fast"]["median"]


def test_few_runs_are_as_many_turns() -> None:
    calls: list[int] = []

    def run(images: np.ndarray) -> tuple[np.ndarray, ...]:
        calls.append(len(images))
        return (images,)

    found = latencies_ms({"one": run}, np.zeros((1, 3, 4, 4), np.float32), runs=1)
    assert calls == [1, 1]
    assert found["one"]["median"] == found["one"]["best"]
