"""How many people a second the service answers, and what it does with twice as many.

Clients on the same machine send JPEG pictures of 640x480 px with one person each, at times that do not depend on the
answers (a slow service is not asked less), from a process of their own. The network is the starter, of the default
student's size, in ONNX Runtime (FP32). A rate is sustained where for `SECONDS` every request is answered, none refused
or late, and requests of the last half do not wait longer than those of the first: no queue grows. ``serve.rate`` is the
highest found by bisection; the peer is the network alone on crops that lie ready, in batches of the service's size,
with all cores, which the service shares with the decoder and with its clients. ``serve.p50_ms`` and ``serve.p99_ms``
are the latency there.

``serve.twice_*`` are of twice that rate: how many requests were answered, refused (RESOURCE_EXHAUSTED) and late, by the
service's own count, with those that were sent as the peer. ``serve.twice_lost`` are those that were sent and that the
service did not count; where there are any, or where clients and service count differently, the run fails.
"""

import json
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dataengine.bench.record import Figure, Missing
from dataengine.errors import EnvironmentFault
from dataengine.inference.exported import ONNX_FP32, file_record, write_sidecar
from dataengine.nets.checkpoint import load_checkpoint
from dataengine.starter import FOLDER

from ..deploy.onnx_files import write_fp32

SECONDS, STEPS = 6.0, 6
DRIFT, DRIFT_MS = 1.5, 20.0  # how much longer the last half may wait
BATCH, DEADLINE_S = 16, 5.0
PARAMS = f"""serve:
  address: 127.0.0.1:0
  metrics_address: 127.0.0.1:0
  batch: {BATCH}
  deadline_s: {DEADLINE_S}
"""


@dataclass(frozen=True)
class Offered:
    """What the clients saw of a rate."""

    rate: float
    sent: int
    codes: dict[str, int]
    first_p50_ms: float  # of the first half
    last_p50_ms: float
    p50_ms: float
    p99_ms: float
    wall_s: float

    @property
    def is_sustained(self) -> bool:
        """Whether all were answered, and no queue grew."""
        steady = self.last_p50_ms <= max(DRIFT * self.first_p50_ms, self.first_p50_ms + DRIFT_MS)
        return self.codes == {"OK": self.sent} and steady


@dataclass(frozen=True)
class Served:
    """A service that runs in a process of its own."""

    address: str
    metrics: str

    def counts(self) -> dict[str, int]:
        """Its own count of requests by status."""
        with urllib.request.urlopen(f"http://{self.metrics}/metrics", timeout=60) as answer:
            text = answer.read().decode()
        found = re.findall(r'^dataengine_requests_total\{code="(\w+)"\} (\S+)$', text, re.MULTILINE)
        return {code: int(float(value)) for code, value in found}

    def offer(self, rate: float, seconds: float) -> Offered:
        """Offer that many requests a second."""
        load = {"address": self.address, "rate": rate, "seconds": seconds, "deadline_s": DEADLINE_S}
        command = [sys.executable, "-m", "dataengine.train.bench.serve_load", json.dumps(load)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise EnvironmentFault("the benchmark's clients failed", got=done.stderr.strip()[-300:])
        return Offered(**json.loads(done.stdout))


def run(checkpoint: Path = FOLDER, seconds: float = SECONDS, steps: int = STEPS) -> Iterator[Figure | Missing]:
    """The figures; without gRPC a line that says so."""
    try:
        import grpc  # noqa: F401  only whether it is there
        import prometheus_client  # noqa: F401
    except ImportError:
        yield Missing("serve", "the extra `serve`")
        return
    with tempfile.TemporaryDirectory() as scratch:
        yield from _figures(exported_to(Path(scratch) / "export", checkpoint), seconds, steps)


def _figures(export: Path, seconds: float, steps: int) -> Iterator[Figure]:
    alone = network_rate(export)
    with served(export) as service:
        service.offer(alone / 8, 1.0)  # both sides warm up
        best, low, high = None, 0.0, alone
        for _ in range(steps):
            offered = service.offer((low + high) / 2, seconds)
            if offered.is_sustained:
                best, low = offered, offered.rate
            else:
                high = offered.rate
        if best is None:
            raise EnvironmentFault("no rate was sustained", expected="a machine with little else to do")
        yield Figure("serve.rate", best.rate, "people/s", alone)
        yield Figure("serve.p50_ms", best.p50_ms, "ms")
        yield Figure("serve.p99_ms", best.p99_ms, "ms")
        yield from _twice(service, best, seconds)


def exported_to(folder: Path, checkpoint: Path) -> Path:
    """An export of a checkpoint with nothing but FP32."""
    net, meta = load_checkpoint(checkpoint)
    folder.mkdir()
    write_fp32(net, meta, folder / ONNX_FP32)
    write_sidecar(folder, meta, {ONNX_FP32: file_record(folder / ONNX_FP32)}, {})
    return folder


def network_rate(model: Path, seconds: float = 2.0) -> float:
    """People a second of the network alone, in batches."""
    from dataengine.serving.asked.served_model import served_model

    opened = served_model(model, "cpu")
    spec = opened.open.meta.crop
    crops = np.zeros((BATCH, spec.height_px, spec.width_px, 3), dtype=np.uint8)
    matrices = np.tile(np.eye(2, 3), (BATCH, 1, 1))
    opened.warm_up(BATCH)
    started, batches = time.perf_counter(), 0
    while time.perf_counter() - started < seconds:
        opened.predict(crops, matrices)
        batches += 1
    return batches * BATCH / (time.perf_counter() - started)


@contextmanager
def served(model: Path) -> Iterator[Served]:
    """`dataengine serve` on free ports, ended by SIGTERM."""
    with tempfile.TemporaryDirectory() as scratch:
        params = Path(scratch) / "params.yaml"
        params.write_text(PARAMS, encoding="utf-8")
        command = [sys.executable, "-m", "dataengine", "serve", str(model), "--device", "cpu", "--params", str(params)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            said = ""
            try:
                while not (ports := re.findall(r"(?:answers|metrics) at (127\.0\.0\.1:\d+)", said))[1:]:
                    line = process.stderr.readline()
                    if not line:
                        raise EnvironmentFault("the service did not start", got=said.strip()[-300:])
                    said += line
                yield Served(*ports)
            finally:
                process.send_signal(signal.SIGTERM)
                process.stderr.read()
        if process.returncode:
            raise EnvironmentFault("the service did not end well", got=f"exit code {process.returncode}")


def _twice(service: Served, best: Offered, seconds: float) -> Iterator[Figure]:
    before = service.counts()
    twice = service.offer(2 * best.rate, seconds)
    after = service.counts()
    counted = {code: after[code] - before.get(code, 0) for code in after}
    lost = twice.sent - sum(counted.values())
    if lost or counted != counted | twice.codes:
        got = f"{twice.sent} sent; the service counted {counted}, the clients {twice.codes}"
        raise EnvironmentFault("requests were lost", expected="an answer or a refusal for each", got=got)
    yield Figure("serve.twice_answered_per_s", counted.get("OK", 0) / twice.wall_s, "people/s", best.rate)
    for code, name in (("OK", "answered"), ("RESOURCE_EXHAUSTED", "refused"), ("DEADLINE_EXCEEDED", "late")):
        yield Figure(f"serve.twice_{name}", counted.get(code, 0), "requests", twice.sent)
    yield Figure("serve.twice_lost", lost, "requests")
    yield Figure("serve.twice_p99_ms", twice.p99_ms, "ms")
