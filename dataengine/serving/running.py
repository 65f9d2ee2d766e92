"""The service as a whole: opened, its state shown, ended without losing a request that was taken in."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from wsgiref.simple_server import WSGIServer

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from prometheus_client import start_http_server

from dataengine.errors import EnvironmentFault

from .access import access_of, credentials, host_and_port
from .asked.metrics import ServingMetrics
from .asked.served_model import ServedModel
from .batching import Batcher
from .params import ServeParams
from .service import SERVICE, PoseService
from .shadow.asking import Shadow

MESSAGE_ROOM = 64 * 1024  # of a request beyond its picture: boxes and field names


@dataclass(frozen=True, eq=False)
class RunningService:
    """A service that answers."""

    port: int
    metrics_port: int | None
    metrics: ServingMetrics


@asynccontextmanager
async def running_service(
    model: ServedModel, params: ServeParams, shadow: Shadow | None = None, metrics: ServingMetrics | None = None
) -> AsyncIterator[RunningService]:
    """Serve `model` inside the block; leaving it ends the service gracefully, which takes `grace_s` at most.

    `shadow` counts in the same `metrics`, and is closed by whoever opened it.

    Raises:
        ParamsError, InputError: see `access.access_of`.
        EnvironmentFault: the port is taken.
    """
    access, metrics = access_of(params), metrics or ServingMetrics()
    host_and_port("address", params.address)
    async with AsyncExitStack() as stack:
        batcher = Batcher(model.predict, params, metrics)
        stack.push_async_callback(batcher.close)
        await asyncio.to_thread(model.warm_up, params.batch)
        server = grpc.aio.server(options=[("grpc.max_receive_message_length", params.largest_bytes + MESSAGE_ROOM)])
        service = PoseService(model, batcher, params, access, metrics, shadow)
        server.add_generic_rpc_handlers((service.handler(),))
        states = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(states, server)
        port = _bound(server, params)
        await server.start()
        stack.push_async_callback(server.stop, params.grace_s)
        stack.push_async_callback(states.enter_graceful_shutdown)
        metrics_port = None
        if params.metrics_address:
            shown, thread = _show_metrics(metrics, params.metrics_address)
            stack.push_async_callback(asyncio.to_thread, _hide, shown, thread)
            metrics_port = int(shown.server_port)
        for name in ("", SERVICE):
            await states.set(name, health_pb2.HealthCheckResponse.SERVING)
        yield RunningService(port, metrics_port, metrics)


def _bound(server: grpc.aio.Server, params: ServeParams) -> int:
    secure = credentials(params.tls)
    try:
        if secure is None:
            return server.add_insecure_port(params.address)
        return server.add_secure_port(params.address, secure)
    except RuntimeError as error:
        raise EnvironmentFault(f"{params.address} cannot be listened at", fix="take another serve.address") from error


def _show_metrics(metrics: ServingMetrics, address: str) -> tuple[WSGIServer, threading.Thread]:
    host, port = host_and_port("metrics_address", address)
    try:
        return start_http_server(port, host, metrics.registry)
    except OSError as error:
        fix = "take another serve.metrics_address"
        raise EnvironmentFault(f"{address} cannot be listened at", got=str(error), fix=fix) from error


def _hide(shown: WSGIServer, thread: threading.Thread) -> None:
    shown.shutdown()
    shown.server_close()
    thread.join()
