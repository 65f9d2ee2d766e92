"""The benchmark of the service: its clients count what they sent, and what a sustained rate is."""

import asyncio
from dataclasses import replace
from pathlib import Path

from dataengine.train.bench.serve import Offered, exported_to
from dataengine.train.bench.serve_load import Load, offer

from ...serving.made import export_of, limited, service

STEADY = Offered(rate=10, sent=60, codes={"OK": 60}, first_p50_ms=30, last_p50_ms=40, p50_ms=35, p99_ms=60, wall_s=6.0)


def test_a_rate_is_sustained_where_all_are_answered_and_no_queue_grows() -> None:
    assert STEADY.is_sustained
    assert not replace(STEADY, codes={"OK": 59, "RESOURCE_EXHAUSTED": 1}).is_sustained
    assert not replace(STEADY, codes={"OK": 59}).is_sustained
    assert not replace(STEADY, last_p50_ms=51).is_sustained


def test_the_clients_count_every_request(tmp_path: Path) -> None:
    export = exported_to(tmp_path / "again", export_of(tmp_path / "net", 0).with_name("net_checkpoint"))
    with service(export, limited()) as running:
        seen = Offered(**asyncio.run(offer(Load(f"127.0.0.1:{running.port}", rate=40, seconds=0.5, deadline_s=60))))
        counted = running.metrics.registry.get_sample_value("dataengine_requests_total", {"code": "OK"})
    assert seen.sent == 20 == sum(seen.codes.values()) == counted
    assert 0 < seen.p50_ms <= seen.p99_ms
