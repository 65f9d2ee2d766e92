"""The calls of `messages/pose.proto`: who asks, what is asked, the answer or the status that says why there is none."""

import asyncio
import time
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import grpc
import numpy as np
from grpc import StatusCode as Code

from dataengine.errors import InputError
from dataengine.inference.running.prediction import Prediction
from dataengine.terminal.speech import say

from .access import Access
from .asked.crops import AskedCrops, asked_crops
from .asked.metrics import ServingMetrics
from .asked.served_model import ServedModel
from .batching import Batcher, RequestExpired, ServiceFull, ServiceStopping
from .messages.pose_pb2 import DescribeRequest, Description, Fault, Person, PoseReply, PoseRequest
from .params import ServeParams
from .shadow.asking import Shadow

SERVICE = "dataengine.pose.v1.Poses"
MESSAGES = {
    ServiceFull: (Code.RESOURCE_EXHAUSTED, "the service is full: try again later"),
    ServiceStopping: (Code.UNAVAILABLE, "the service is stopping: ask another one"),
    RequestExpired: (Code.DEADLINE_EXCEEDED, "the deadline passed before the answer"),
}
NO_TOKEN = "the token is missing or wrong: send the metadata `authorization: Bearer TOKEN`"  # noqa: S105  not a token


class PoseService:
    """The calls on one model."""

    def __init__(
        self,
        model: ServedModel,
        batcher: Batcher,
        params: ServeParams,
        access: Access,
        metrics: ServingMetrics,
        shadow: Shadow | None = None,
    ) -> None:
        self._model, self._batcher, self._params = model, batcher, params
        self._access, self._metrics, self._shadow = access, metrics, shadow
        self._taught = model.open.meta.is_taught

    def handler(self) -> grpc.GenericRpcHandler:
        """What a server is given."""
        read, write = PoseRequest.FromString, PoseReply.SerializeToString
        return grpc.method_handlers_generic_handler(
            SERVICE,
            {
                "Describe": grpc.unary_unary_rpc_method_handler(
                    self.describe, DescribeRequest.FromString, Description.SerializeToString
                ),
                "Find": grpc.unary_unary_rpc_method_handler(self.find, read, write),
                "FindMany": grpc.stream_stream_rpc_method_handler(self.find_many, read, write),
            },
        )

    async def describe(self, request: DescribeRequest, context: grpc.aio.ServicerContext) -> Description:
        """What the service runs, and how much it takes."""
        await self._admit(context)
        spec, params = self._model.open.meta.crop, self._params
        return Description(
            model=self._model.id,
            width_px=spec.width_px,
            height_px=spec.height_px,
            keypoints=self._model.open.meta.keypoints,
            largest_bytes=params.largest_bytes,
            most_people=params.most_people,
            deadline_ms=round(params.deadline_s * 1000),
        )

    async def find(self, request: PoseRequest, context: grpc.aio.ServicerContext) -> PoseReply:
        """The people of one picture; a fault is the status of the call."""
        await self._admit(context)
        reply, code = await self._reply(request, context.time_remaining())
        if code is not Code.OK:
            await context.abort(code, reply.fault.message)
        return reply

    async def find_many(
        self, requests: AsyncIterator[PoseRequest], context: grpc.aio.ServicerContext
    ) -> AsyncIterator[PoseReply]:
        """The people of picture after picture, in their order."""
        await self._admit(context)
        answers: asyncio.Queue[asyncio.Task[tuple[PoseReply, Code]] | None] = asyncio.Queue()
        room = asyncio.Semaphore(self._params.in_flight)

        async def take_in() -> None:
            try:
                await room.acquire()  # before reading, so that what is not read waits at the client
                async for request in requests:
                    answers.put_nowait(asyncio.create_task(self._reply(request, context.time_remaining())))
                    await room.acquire()
            finally:
                answers.put_nowait(None)

        taking_in = asyncio.create_task(take_in())
        try:
            while (answer := await answers.get()) is not None:
                reply, _ = await answer
                room.release()
                yield reply
            await taking_in
        finally:
            taking_in.cancel()
            await asyncio.gather(taking_in, return_exceptions=True)
            while not answers.empty():
                if (left := answers.get_nowait()) is not None:
                    left.cancel()

    async def _admit(self, context: grpc.aio.ServicerContext) -> None:
        if not self._access.allows(context.invocation_metadata()):
            self._metrics.requests.labels(Code.UNAUTHENTICATED.name).inc()
            await context.abort(Code.UNAUTHENTICATED, NO_TOKEN)

    async def _reply(self, request: PoseRequest, client_has_s: float | None) -> tuple[PoseReply, Code]:
        """The answer, or one with a fault, and the status; every request is counted once, by that."""
        started, code, message = time.monotonic(), Code.OK, ""
        reply = PoseReply(id=request.id, model=self._model.id)
        patience = [self._params.deadline_s, client_has_s, request.deadline_ms / 1000 or None]
        deadline = started + min(each for each in patience if each is not None)
        limits: dict[str, Any] = {"most_people": self._params.most_people, "largest_mpx": self._params.largest_mpx}
        cut = partial(asked_crops, request, self._model.open.meta.crop, **limits)
        try:
            asked, found = await self._batcher.ask(cut, deadline)
            reply.people.extend(self._people(asked, found))
            self._metrics.people.inc(len(asked))
            if self._shadow is not None:
                self._shadow.offer(request.id, asked, found)
        except InputError as error:
            code, message = Code.INVALID_ARGUMENT, str(error)
        except tuple(MESSAGES) as error:
            code, message = MESSAGES[type(error)]
        except asyncio.CancelledError:
            self._metrics.requests.labels(Code.CANCELLED.name).inc()
            raise
        except Exception as error:  # the fault is this request's, the service goes on
            say(f"request {request.id!r} failed: {type(error).__name__}: {error}")
            code, message = Code.INTERNAL, f"the model failed: {type(error).__name__}"
        self._metrics.requests.labels(code.name).inc()
        self._metrics.seconds.observe(time.monotonic() - started)
        if code is not Code.OK:
            reply.fault.CopyFrom(Fault(code=code.value[0], message=message))
        return reply, code

    def _people(self, asked: AskedCrops, found: Prediction) -> list[Person]:
        confidence = np.where(self._taught, found.confidence, 0)
        scores = found.scores(asked.boxes_xywh_px)
        rows = zip(found.keypoints_px.reshape(len(asked), -1), confidence, scores, strict=True)
        return [
            Person(keypoints_px=places.tolist(), confidence=sure.tolist(), score=float(score))
            for places, sure, score in rows
        ]
