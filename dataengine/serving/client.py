"""A client of the service in three lines; see `PoseClient`."""

import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path

import grpc
import numpy as np
from numpy.typing import ArrayLike, NDArray

from dataengine.errors import DataEngineError
from dataengine.infer.api import Poses

from .messages.pose_pb2 import Box, DescribeRequest, Description, PoseReply, PoseRequest
from .service import SERVICE

Asked = tuple[str | Path | bytes, ArrayLike]
"""A picture (its path, or the file's bytes), and boxes (n, 4) of the people in it."""


class ServiceRefusal(DataEngineError):
    """The service did not answer; `code` is the name of the gRPC status, such as RESOURCE_EXHAUSTED."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"the service refused, {code}: {message}")
        self.code, self.message = code, message

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.code, self.message)


class PoseClient:
    """A connection to `dataengine serve`::

        from dataengine.serving.client import PoseClient
        with PoseClient("127.0.0.1:8500") as client:
            people = client.find("picture.jpg", [[40, 10, 120, 300]])  # keypoints_px (n, 17, 2), confidence, score

    Args:
        address: ``host:port``.
        token: That of the service, where it asks for one.
        root_certificate: PEM file of whoever signed the service's certificate; None: no encryption.
        deadline_s: How long an answer is waited for.
    """

    def __init__(
        self,
        address: str,
        *,
        token: str | None = None,
        root_certificate: str | Path | None = None,
        deadline_s: float = 10.0,
        largest_bytes: int = 64_000_000,
    ) -> None:
        options = [("grpc.max_send_message_length", largest_bytes)]
        if root_certificate is None:
            self._channel = grpc.insecure_channel(address, options)
        else:
            secure = grpc.ssl_channel_credentials(Path(root_certificate).read_bytes())
            self._channel = grpc.secure_channel(address, secure, options)
        self._metadata = () if token is None else (("authorization", f"Bearer {token}"),)
        self._deadline_s = deadline_s
        write, read = PoseRequest.SerializeToString, PoseReply.FromString
        self._find = self._channel.unary_unary(f"/{SERVICE}/Find", write, read)
        self._find_many = self._channel.stream_stream(f"/{SERVICE}/FindMany", write, read)
        self._describe = self._channel.unary_unary(
            f"/{SERVICE}/Describe", DescribeRequest.SerializeToString, Description.FromString
        )

    def __enter__(self) -> "PoseClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the connection."""
        self._channel.close()

    def describe(self) -> Description:
        """What the service runs, and how much it takes. Raises `ServiceRefusal`."""
        try:
            return self._describe(DescribeRequest(), timeout=self._deadline_s, metadata=self._metadata)
        except grpc.RpcError as error:
            raise _refusal(error) from error

    def find(self, picture: str | Path | bytes, boxes_xywh_px: ArrayLike) -> Poses:
        """The people in boxes (n, 4) of a picture. Raises `ServiceRefusal`."""
        request = _request(picture, boxes_xywh_px)
        try:
            reply = self._find(request, timeout=self._deadline_s, metadata=self._metadata)
        except grpc.RpcError as error:
            raise _refusal(error) from error
        return _poses(request, reply)

    def find_many(self, asked: Iterable[Asked]) -> Iterator[Poses | ServiceRefusal]:
        """Picture after picture in one stream, answered in order; what the service says of a bad one takes its place.

        Raises:
            ServiceRefusal: the stream as a whole has ended.
        """
        sent = list[PoseRequest]()

        def requests() -> Iterator[PoseRequest]:
            for picture, boxes in asked:
                request = _request(picture, boxes)
                request.deadline_ms = round(self._deadline_s * 1000)
                kept = PoseRequest(boxes=request.boxes)
                sent.append(kept)
                yield request

        try:
            for reply in self._find_many(requests(), metadata=self._metadata):
                request = sent.pop(0)
                if reply.HasField("fault"):
                    yield ServiceRefusal(_code_name(reply.fault.code), reply.fault.message)
                else:
                    yield _poses(request, reply)
        except grpc.RpcError as error:
            raise _refusal(error) from error


def _request(picture: str | Path | bytes, boxes_xywh_px: ArrayLike) -> PoseRequest:
    content = picture if isinstance(picture, bytes) else Path(picture).read_bytes()
    boxes = np.asarray(boxes_xywh_px, dtype=np.float32).reshape(-1, 4).tolist()
    return PoseRequest(
        id=uuid.uuid4().hex, picture=content, boxes=[Box(x=x, y=y, width=w, height=h) for x, y, w, h in boxes]
    )


def _poses(request: PoseRequest, reply: PoseReply) -> Poses:
    def table(rows: list[list[float]], *shape: int) -> NDArray[np.float32]:
        return np.array(rows, dtype=np.float32).reshape(len(reply.people), *shape)

    return Poses(
        keypoints_px=table([list(person.keypoints_px) for person in reply.people], -1, 2),
        confidence=table([list(person.confidence) for person in reply.people], -1),
        bbox_xywh_px=table([[box.x, box.y, box.width, box.height] for box in request.boxes], 4),
        score=np.array([person.score for person in reply.people], dtype=np.float32),
        track_id=np.full(len(reply.people), -1, dtype=np.int64),
    )


def _refusal(error: grpc.RpcError) -> ServiceRefusal:
    return ServiceRefusal(error.code().name, error.details() or "")


def _code_name(code: int) -> str:
    return next((each.name for each in grpc.StatusCode if each.value[0] == code), str(code))
