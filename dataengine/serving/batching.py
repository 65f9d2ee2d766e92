"""People of many requests, put together into batches of the network; late requests are dropped before they cost.

`Batcher.ask` takes a request in: refused at once if the service is full, decoded and cut in a thread, then put
in the next batch. One thread runs the network. All else happens in the event loop, so nothing here is locked.

The limit is on requests that are taken in and not answered, wherever they are, so memory is bounded by one number.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataengine.inference.running.prediction import Prediction

from .asked.crops import AskedCrops
from .asked.metrics import ServingMetrics
from .params import ServeParams

Predict = Callable[[NDArray[np.uint8], NDArray[np.float64]], Prediction]
"""Crops (n, H, W, 3) and their maps (n, 2, 3) to joints in picture pixels."""


class ServiceFull(Exception):
    """There are as many requests inside as the service takes."""


class ServiceStopping(Exception):
    """The service takes no more requests."""


class RequestExpired(Exception):
    """The request's deadline has passed."""


@dataclass(eq=False)
class _Waiting:
    """A request that was taken in."""

    deadline: float
    answer: "asyncio.Future[Prediction]"
    asked: AskedCrops | None = None
    """Its people, once they are cut out."""
    at: str = "decode"
    """What it waits for: decode, network, answer."""

    def people(self) -> AskedCrops:
        """Its people, who are cut out."""
        assert self.asked is not None
        return self.asked


class Batcher:
    """Requests to answers; made, used and closed in one event loop."""

    def __init__(self, predict: Predict, params: ServeParams, metrics: ServingMetrics) -> None:
        self._predict, self._params, self._metrics = predict, params, metrics
        self._ready: deque[_Waiting] = deque()
        self._arrived = asyncio.Event()
        self._inside = 0
        self._stopping = False
        self._decoders = ThreadPoolExecutor(params.decoders, "decode")
        self._network = ThreadPoolExecutor(1, "network")
        self._running = asyncio.create_task(self._run())

    async def ask(self, cut: Callable[[], AskedCrops], deadline: float) -> tuple[AskedCrops, Prediction]:
        """The people that `cut` cuts out, answered; `deadline` by `time.monotonic`.

        Raises:
            ServiceFull, ServiceStopping: it is not taken in.
            RequestExpired: it was dropped.
            InputError: what `cut` raises.
        """
        if self._stopping:
            raise ServiceStopping
        if self._inside >= self._params.queue:
            raise ServiceFull
        self._inside += 1
        self._metrics.inside.set(self._inside)
        waiting = _Waiting(deadline, asyncio.get_running_loop().create_future())
        try:
            return await asyncio.wait_for(self._answered(cut, waiting), max(deadline - time.monotonic(), 0))
        except (TimeoutError, RequestExpired) as error:
            self._metrics.expired.labels(waiting.at).inc()
            raise RequestExpired from error
        finally:
            with suppress(ValueError):  # one that has ended waits for no batch, however long the present one takes
                self._ready.remove(waiting)
            self._inside -= 1
            self._metrics.inside.set(self._inside)

    async def close(self) -> None:
        """End the threads. Requests that are still inside end with `ServiceStopping`."""
        self._stopping = True
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)
        for waiting in self._ready:
            _set(waiting.answer, ServiceStopping())
        self._ready.clear()
        for pool in (self._decoders, self._network):
            await asyncio.to_thread(pool.shutdown, cancel_futures=True)

    async def _answered(self, cut: Callable[[], AskedCrops], waiting: _Waiting) -> tuple[AskedCrops, Prediction]:
        def cut_in_time() -> AskedCrops:
            if time.monotonic() >= waiting.deadline:
                raise RequestExpired
            return cut()

        waiting.asked = await asyncio.get_running_loop().run_in_executor(self._decoders, cut_in_time)
        if self._stopping:
            raise ServiceStopping
        waiting.at = "network"
        self._ready.append(waiting)
        self._arrived.set()
        return waiting.asked, await waiting.answer

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            batch = await self._next_batch()
            if not batch:
                continue
            people = [waiting.people() for waiting in batch]
            crops = np.concatenate([asked.crops_bgr for asked in people])
            matrices = np.concatenate([asked.matrices for asked in people])
            self._metrics.batch.observe(len(crops))
            try:
                found = await loop.run_in_executor(self._network, self._predict, crops, matrices)
            except asyncio.CancelledError:
                for waiting in batch:
                    _set(waiting.answer, ServiceStopping())
                raise
            except Exception as error:  # whatever a runtime raises is the answer to this batch alone
                for waiting in batch:
                    _set(waiting.answer, error)
                continue
            ends = np.cumsum([len(asked) for asked in people]).tolist()
            for waiting, start, end in zip(batch, [0, *ends[:-1]], ends, strict=True):
                _set(waiting.answer, found.take(slice(start, end)))

    async def _next_batch(self) -> list[_Waiting]:
        """The requests that are ready, in their order, as many as fit; those too late or given up are dropped."""
        await self._arrived.wait()
        if self._params.wait_ms and sum(len(waiting.people()) for waiting in self._ready) < self._params.batch:
            await asyncio.sleep(self._params.wait_ms / 1000)
        batch, people, now = list[_Waiting](), 0, time.monotonic()
        while self._ready:
            first = self._ready[0]
            if first.answer.done():  # its caller has gone, or its deadline has ended the wait
                self._ready.popleft()
            elif now >= first.deadline:
                _set(self._ready.popleft().answer, RequestExpired())
            elif batch and people + len(first.people()) > self._params.batch:
                break
            else:
                batch.append(self._ready.popleft())
                first.at = "answer"
                people += len(first.people())
        if not self._ready:
            self._arrived.clear()
        return batch


def _set(answer: "asyncio.Future[Prediction]", outcome: Prediction | BaseException) -> None:
    if answer.done():
        return
    if isinstance(outcome, BaseException):
        answer.set_exception(outcome)
    else:
        answer.set_result(outcome)
