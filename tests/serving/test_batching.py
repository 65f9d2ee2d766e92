"""What the service keeps in memory while the network takes long."""

import asyncio
import threading
import time

import numpy as np
import pytest
from numpy.typing import NDArray

from dataengine.inference.running.prediction import Prediction
from dataengine.serving.asked.crops import AskedCrops
from dataengine.serving.asked.metrics import ServingMetrics
from dataengine.serving.batching import Batcher, RequestExpired

from .made import limited


def one_person() -> AskedCrops:
    return AskedCrops(np.zeros((1, 4, 4, 3), np.uint8), np.zeros((1, 2, 3)), np.zeros((1, 4)), None)


def test_late_requests_are_not_kept_while_the_network_hangs() -> None:
    opened, entered = threading.Event(), threading.Event()

    def predict(crops: NDArray[np.uint8], matrices: NDArray[np.float64]) -> Prediction:
        entered.set()
        opened.wait(60)
        each = np.zeros((len(crops), 17), np.float32)
        return Prediction(np.zeros((len(crops), 17, 2), np.float32), each, each, each)

    async def ask() -> None:
        batcher = Batcher(predict, limited(wait_ms=0.0), ServingMetrics())
        try:
            first = asyncio.create_task(batcher.ask(one_person, time.monotonic() + 60))
            await asyncio.to_thread(entered.wait, 60)
            for _ in range(3):
                with pytest.raises(RequestExpired):
                    await batcher.ask(one_person, time.monotonic() + 0.2)
                assert not batcher._ready
            opened.set()
            _, found = await first
            assert len(found.confidence) == 1
        finally:
            opened.set()
            await batcher.close()

    asyncio.run(ask())
