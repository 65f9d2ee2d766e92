"""The clients of the benchmark ``serve``, as a process of their own: requests at given times, whatever the answers.

Latency counts from the time at which a request was to be sent, so a client that falls behind does not flatter the
service.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

import cv2
import grpc
import numpy as np

from dataengine.pictures.encoding import encode_picture
from dataengine.serving.messages.pose_pb2 import Box, PoseReply, PoseRequest
from dataengine.serving.service import SERVICE

PICTURES, WIDTH, HEIGHT, QUALITY = 8, 640, 480, 90
BOX = Box(x=220, y=60, width=160, height=380)
PATIENCE_S = 30.0  # beyond the deadline: only a request that hangs takes so long


@dataclass(frozen=True)
class Load:
    """What is sent."""

    address: str
    rate: float
    """Requests a second."""
    seconds: float
    deadline_s: float
    """The service may take this long."""

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


async def offer(load: Load) -> dict[str, Any]:
    """Send it, wait for all answers, and say what became of them."""
    requests = [PoseRequest(picture=content, boxes=[BOX]) for content in _pictures()]
    count = max(int(load.rate * load.seconds), 4)
    codes, latency_s = Counter[str](), np.full(count, np.nan)
    async with grpc.aio.insecure_channel(load.address) as channel:
        await channel.channel_ready()
        find = channel.unary_unary(f"/{SERVICE}/Find", PoseRequest.SerializeToString, PoseReply.FromString)
        start = time.perf_counter() + 0.1

        async def ask(number: int) -> None:
            due = start + number / load.rate
            await asyncio.sleep(max(due - time.perf_counter(), 0))
            try:
                reply = await find(requests[number % len(requests)], timeout=load.deadline_s + PATIENCE_S)
                assert len(reply.people) == 1
                codes["OK"] += 1
                latency_s[number] = time.perf_counter() - due
            except grpc.aio.AioRpcError as error:
                codes[error.code().name] += 1

        await asyncio.gather(*(ask(number) for number in range(count)))
        wall_s = time.perf_counter() - start
    halves = latency_s[: count // 2], latency_s[count // 2 :]
    return {
        "rate": load.rate,
        "sent": count,
        "codes": dict(codes),
        "first_p50_ms": _quantile_ms(halves[0], 0.5),
        "last_p50_ms": _quantile_ms(halves[1], 0.5),
        "p50_ms": _quantile_ms(latency_s, 0.5),
        "p99_ms": _quantile_ms(latency_s, 0.99),
        "wall_s": wall_s,
    }


def _quantile_ms(latency_s: np.ndarray, share: float) -> float:
    answered = latency_s[np.isfinite(latency_s)]
    return float(np.quantile(answered, share) * 1000) if len(answered) else 0.0


def _pictures() -> list[bytes]:
    rng = np.random.default_rng(0)
    coarse = [rng.integers(0, 255, (30, 40, 3), dtype=np.uint8) for _ in range(PICTURES)]
    images = [cv2.resize(each, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC) for each in coarse]
    return [encode_picture(image, ".jpg", quality=QUALITY) for image in images]


if __name__ == "__main__":
    print(json.dumps(asyncio.run(offer(Load(**json.loads(sys.argv[1]))))))
