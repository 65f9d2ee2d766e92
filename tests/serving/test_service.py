"""The service over a real connection: answers, faults, deadlines, refusals, health, metrics, its end."""

import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from dataengine import load_model
from dataengine.crops.spec import crop_matrix, extract_crop
from dataengine.errors import EnvironmentFault, InputError
from dataengine.serving.asked.served_model import ServedModel, served_model
from dataengine.serving.client import PoseClient, ServiceRefusal
from dataengine.serving.messages.pose_pb2 import Box, PoseReply, PoseRequest
from dataengine.serving.running import RunningService
from dataengine.serving.service import SERVICE

from .made import BOXES, META, export_of, limited, picture, png, runner_of, service

FIND = f"/{SERVICE}/Find"


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_of(tmp_path_factory.mktemp("served") / "net", seed=0)


@pytest.fixture(scope="module")
def running(export: Path) -> Iterator[RunningService]:
    with service(export) as running:
        yield running


@pytest.fixture
def client(running: RunningService) -> Iterator[PoseClient]:
    with PoseClient(address(running), deadline_s=60) as client:
        yield client


def address(running: RunningService) -> str:
    return f"127.0.0.1:{running.port}"


def counted(running: RunningService, name: str, **labels: str) -> float:
    return running.metrics.registry.get_sample_value(f"dataengine_{name}", labels) or 0.0


class Gate:
    """A model that answers once it is let; it notes how many people it was shown at a time."""

    def __init__(self, export: Path) -> None:
        real = served_model(export, "cpu", threads=1)
        self.opened, self.entered, self.seen = threading.Event(), threading.Event(), list[int]()
        self.opened.set()

        def run(images: np.ndarray) -> tuple[np.ndarray, ...]:
            self.seen.append(len(images))
            self.entered.set()
            self.opened.wait(60)
            return runner_of(real)(images)

        self.model = ServedModel("gated", replace(real.open, runner=run))

    def shut(self) -> None:
        self.seen.clear()
        self.entered.clear()
        self.opened.clear()


def until(true: Callable[[], bool]) -> None:
    """Wait for what another thread does; the limit only ends a test that would fail."""
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


@contextmanager
def served(model: ServedModel | Path, **values: object) -> Iterator[tuple[RunningService, PoseClient]]:
    """A service with other params, and its client."""
    with service(model, limited(**values)) as running, PoseClient(address(running), deadline_s=60) as client:
        yield running, client


def test_answers_are_those_of_the_model(client: PoseClient, export: Path) -> None:
    found = client.find(png(), BOXES)
    expected = load_model(export, device="cpu")(picture()[..., ::-1], boxes_xywh_px=BOXES)
    np.testing.assert_allclose(found.keypoints_px, expected.keypoints_px, atol=1e-3)
    np.testing.assert_allclose(found.confidence, expected.confidence, atol=1e-5)
    np.testing.assert_allclose(found.score, expected.score, atol=1e-5)
    np.testing.assert_array_equal(found.bbox_xywh_px, BOXES)


def test_a_picture_may_be_a_file(client: PoseClient, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(1))
    np.testing.assert_array_equal(
        client.find(tmp_path / "a.png", BOXES).keypoints_px, client.find(png(1), BOXES).keypoints_px
    )


def test_crops_are_answered_in_their_own_pixels(running: RunningService, client: PoseClient) -> None:
    matrices = crop_matrix(np.array(BOXES), META.crop)
    crops = [extract_crop(picture(), matrix, META.crop) for matrix in matrices]
    sent = b"".join(np.ascontiguousarray(crop[..., ::-1]).tobytes() for crop in crops)
    with grpc.insecure_channel(address(running)) as channel:
        call = channel.unary_unary(FIND, PoseRequest.SerializeToString, PoseReply.FromString)
        reply = call(PoseRequest(id="a", crops=sent), timeout=60)
        with pytest.raises(grpc.RpcError, match="32x32 px, 3072 bytes each"):
            call(PoseRequest(crops=sent[:-1]), timeout=60)
    assert (reply.id, len(reply.people)) == ("a", 2)
    in_picture = client.find(png(), BOXES).keypoints_px
    for matrix, person, expected in zip(matrices, reply.people, in_picture, strict=True):
        places = np.array(person.keypoints_px).reshape(17, 2)
        np.testing.assert_allclose(expected @ matrix[:, :2].T + matrix[:, 2], places, atol=1e-3)


def test_the_service_describes_itself(client: PoseClient, export: Path) -> None:
    says = client.describe()
    assert says.model == served_model(export).id
    assert (says.width_px, says.height_px, len(says.keypoints)) == (32, 32, 17)
    assert says.largest_bytes == 8_000_000


@pytest.mark.parametrize(
    ("content", "boxes", "message"),
    [
        (b"no picture", BOXES, "the picture cannot be used: "),
        (png()[:300], BOXES, "the picture cannot be used: "),
        (b"", BOXES, "a request asks about a picture or about crops: expected one of them, got neither"),
        (png(), [], "boxes of a picture: expected 1 to 32, got 0"),
        (png(), BOXES * 17, "boxes of a picture: expected 1 to 32, got 34"),
        (png(), [[1, 1, 0, 5]], "a box is not one: .*width and height above 0, got box 0"),
        (png(), [BOXES[0], [np.nan, 1, 5, 5]], "a box is not one: .*, got box 1"),
        (png(), [[0, 0, 1e30, 5]], "a box is not one"),
        (png(), [[500, 5, 20, 20]], "a box lies outside the picture: .* in 120x90 px"),
    ],
)
def test_a_bad_request_is_one_line(client: PoseClient, content: bytes, boxes: list[list[float]], message: str) -> None:
    with pytest.raises(ServiceRefusal, match=message) as refusal:
        client.find(content, boxes)
    assert refusal.value.code == "INVALID_ARGUMENT" and "\n" not in str(refusal.value)


def test_too_large_a_picture_is_refused_before_it_is_decoded(export: Path) -> None:
    too_wide = pytest.raises(ServiceRefusal, match=r"too large: expected at most 0.01 million pixels, got 120x90")
    with served(export, largest_mpx=0.01) as (_, client), too_wide:
        client.find(png(), BOXES)
    too_long = pytest.raises(ServiceRefusal, match=r"RESOURCE_EXHAUSTED.*larger than max")
    with served(export, largest_mb=0.001) as (_, client), too_long:
        client.find(b"x" * 100_000, BOXES)


def test_a_stream_answers_in_order_and_outlives_a_bad_picture(client: PoseClient) -> None:
    asked = [(png(seed), BOXES[: 1 + seed % 2]) for seed in range(12)]
    asked[5] = (b"nonsense", BOXES)
    answers = list(client.find_many(asked))
    assert [type(answer).__name__ for answer in answers] == ["ServiceRefusal" if n == 5 else "Poses" for n in range(12)]
    assert isinstance(answers[5], ServiceRefusal) and answers[5].code == "INVALID_ARGUMENT"
    for (content, boxes), answer in zip(asked, answers, strict=True):
        if not isinstance(answer, ServiceRefusal):
            np.testing.assert_allclose(answer.keypoints_px, client.find(content, boxes).keypoints_px, atol=1e-3)


def test_a_full_service_refuses_at_once_and_loses_nothing(export: Path) -> None:
    gate = Gate(export)
    with (
        service(gate.model, limited(queue=3, batch=2)) as running,
        PoseClient(address(running), deadline_s=60) as client,
    ):
        gate.shut()
        with ThreadPoolExecutor(3) as pool:
            taken = [pool.submit(client.find, png(seed), BOXES[:1]) for seed in range(3)]
            until(lambda: counted(running, "requests_inside") == 3)
            for _ in range(4):
                with pytest.raises(ServiceRefusal, match="the service is full") as refusal:
                    client.find(png(), BOXES)
                assert refusal.value.code == "RESOURCE_EXHAUSTED"
            gate.opened.set()
            assert [len(each.result()) for each in taken] == [1, 1, 1]
        assert counted(running, "requests_total", code="OK") == 3
        assert counted(running, "requests_total", code="RESOURCE_EXHAUSTED") == 4
        assert len(client.find(png(), BOXES)) == 2  # there is room again


def test_requests_that_wait_together_are_one_batch(export: Path) -> None:
    gate = Gate(export)
    with served(gate.model, batch=3) as (running, client):
        gate.shut()
        with ThreadPoolExecutor(6) as pool:
            asked = [pool.submit(client.find, png(0), BOXES[:1])]
            until(gate.entered.is_set)  # the network is busy with the first
            asked += [pool.submit(client.find, png(seed), BOXES[:1]) for seed in range(1, 6)]
            until(lambda: counted(running, "requests_inside") == 6)
            time.sleep(0.2)  # all are decoded; were they not, the batches would only be smaller
            gate.opened.set()
            for seed, each in enumerate(asked):
                alone = client.find(png(seed), BOXES[:1])
                np.testing.assert_allclose(each.result().keypoints_px, alone.keypoints_px, atol=1e-3)
        assert gate.seen[0] == 1 and max(gate.seen) <= 3
        assert sum(gate.seen) == 12


def test_a_late_request_never_reaches_the_network(export: Path) -> None:
    gate = Gate(export)
    with served(gate.model) as (running, client):
        gate.shut()
        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(client.find, png(), BOXES[:1])
            until(gate.entered.is_set)
            asked = PoseRequest(picture=png(1), boxes=[Box(x=1, y=1, width=50, height=50)] * 4, deadline_ms=300)
            with grpc.insecure_channel(address(running)) as channel:
                call = channel.unary_unary(FIND, PoseRequest.SerializeToString, PoseReply.FromString)
                with pytest.raises(grpc.RpcError, match="the deadline passed before the answer"):
                    call(asked, timeout=60)
            gate.opened.set()
            assert len(first.result()) == 1
        assert len(client.find(png(2), BOXES)) == 2
        assert gate.seen == [1, 2]  # never the four people
        late = [counted(running, "expired_total", at=at) for at in ("decode", "network", "answer")]
        assert sum(late) == 1 and late[2] == 0
        assert counted(running, "requests_total", code="DEADLINE_EXCEEDED") == 1


def test_a_request_that_its_client_gave_up_never_reaches_the_network(export: Path) -> None:
    gate = Gate(export)
    with served(gate.model) as (running, client):
        gate.shut()
        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(client.find, png(), BOXES[:1])
            until(gate.entered.is_set)
            with grpc.insecure_channel(address(running)) as channel:
                call = channel.unary_unary(FIND, PoseRequest.SerializeToString, PoseReply.FromString)
                given_up = call.future(PoseRequest(picture=png(1), boxes=[Box(x=1, y=1, width=50, height=50)] * 4))
                until(lambda: counted(running, "requests_inside") == 2)
                given_up.cancel()
                until(lambda: counted(running, "requests_inside") == 1)
            gate.opened.set()
            assert len(first.result()) == 1
        assert len(client.find(png(2), BOXES)) == 2
        assert gate.seen == [1, 2]
        assert counted(running, "requests_total", code="CANCELLED") == 1


def test_a_fault_of_the_network_is_the_answer_to_its_batch_alone(export: Path) -> None:
    real, broken = served_model(export, "cpu", threads=1), threading.Event()

    def run(images: np.ndarray) -> tuple[np.ndarray, ...]:
        if broken.is_set():
            raise RuntimeError("no memory")
        return runner_of(real)(images)

    model = ServedModel("breaks", replace(real.open, runner=run))
    with served(model) as (_, client):
        broken.set()
        with pytest.raises(ServiceRefusal, match="INTERNAL: the model failed: RuntimeError"):
            client.find(png(), BOXES)
        broken.clear()
        assert len(client.find(png(), BOXES)) == 2


def open_soon(gate: Gate) -> None:
    time.sleep(0.3)  # by then the service is being stopped; were it not, the test would say less
    gate.opened.set()


def test_stopping_answers_what_was_taken_in(export: Path) -> None:
    gate, before = Gate(export), set(threading.enumerate())
    with ThreadPoolExecutor(3) as pool, PoseClient("127.0.0.1:1") as nobody:
        with service(gate.model) as running:
            client = PoseClient(address(running), deadline_s=60)
            gate.shut()
            taken = [pool.submit(client.find, png(seed), BOXES[:1]) for seed in range(2)]
            until(lambda: counted(running, "requests_inside") == 2)
            pool.submit(open_soon, gate)
        assert [len(each.result()) for each in taken] == [1, 1]
        with pytest.raises(ServiceRefusal, match="UNAVAILABLE"):
            client.find(png(), BOXES)
        client.close()
        with pytest.raises(ServiceRefusal, match="UNAVAILABLE"):
            nobody.describe()
    left = {thread.name for thread in set(threading.enumerate()) - before}
    assert not [name for name in left if name.startswith(("decode", "network"))]


def test_health_and_metrics_are_shown(running: RunningService, client: PoseClient) -> None:
    client.find(png(), BOXES)
    with grpc.insecure_channel(address(running)) as channel:
        for name in ("", SERVICE):
            state = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=name), timeout=60)
            assert state.status == health_pb2.HealthCheckResponse.SERVING
    shown = urllib.request.urlopen(f"http://127.0.0.1:{running.metrics_port}/metrics", timeout=60).read().decode()
    assert 'dataengine_requests_total{code="OK"}' in shown and "dataengine_batch_people_bucket" in shown


def test_a_port_that_is_taken_and_a_model_that_is_none_are_one_line(
    running: RunningService, export: Path, tmp_path: Path
) -> None:
    taken = limited(metrics_address=f"127.0.0.1:{running.metrics_port}")
    with pytest.raises(EnvironmentFault, match="cannot be listened at"), service(export, taken):
        pass
    with pytest.raises(InputError, match="is not a model"):
        served_model(tmp_path)


def test_a_checkpoint_is_served_too(export: Path) -> None:
    model = served_model(export.with_name(f"{export.name}_checkpoint"), "cpu")
    assert len(model.id) == 12 and model.id != served_model(export).id
    with served(model) as (_, client):
        assert len(client.find(png(), BOXES)) == 2
