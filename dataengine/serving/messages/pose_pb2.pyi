from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DescribeRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Description(_message.Message):
    __slots__ = ("model", "width_px", "height_px", "keypoints", "largest_bytes", "most_people", "deadline_ms")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    WIDTH_PX_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_PX_FIELD_NUMBER: _ClassVar[int]
    KEYPOINTS_FIELD_NUMBER: _ClassVar[int]
    LARGEST_BYTES_FIELD_NUMBER: _ClassVar[int]
    MOST_PEOPLE_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_MS_FIELD_NUMBER: _ClassVar[int]
    model: str
    width_px: int
    height_px: int
    keypoints: _containers.RepeatedScalarFieldContainer[str]
    largest_bytes: int
    most_people: int
    deadline_ms: int
    def __init__(self, model: _Optional[str] = ..., width_px: _Optional[int] = ..., height_px: _Optional[int] = ..., keypoints: _Optional[_Iterable[str]] = ..., largest_bytes: _Optional[int] = ..., most_people: _Optional[int] = ..., deadline_ms: _Optional[int] = ...) -> None: ...

class Box(_message.Message):
    __slots__ = ("x", "y", "width", "height")
    X_FIELD_NUMBER: _ClassVar[int]
    Y_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    x: float
    y: float
    width: float
    height: float
    def __init__(self, x: _Optional[float] = ..., y: _Optional[float] = ..., width: _Optional[float] = ..., height: _Optional[float] = ...) -> None: ...

class PoseRequest(_message.Message):
    __slots__ = ("id", "picture", "boxes", "crops", "deadline_ms")
    ID_FIELD_NUMBER: _ClassVar[int]
    PICTURE_FIELD_NUMBER: _ClassVar[int]
    BOXES_FIELD_NUMBER: _ClassVar[int]
    CROPS_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_MS_FIELD_NUMBER: _ClassVar[int]
    id: str
    picture: bytes
    boxes: _containers.RepeatedCompositeFieldContainer[Box]
    crops: bytes
    deadline_ms: int
    def __init__(self, id: _Optional[str] = ..., picture: _Optional[bytes] = ..., boxes: _Optional[_Iterable[_Union[Box, _Mapping]]] = ..., crops: _Optional[bytes] = ..., deadline_ms: _Optional[int] = ...) -> None: ...

class PoseReply(_message.Message):
    __slots__ = ("id", "model", "people", "fault")
    ID_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PEOPLE_FIELD_NUMBER: _ClassVar[int]
    FAULT_FIELD_NUMBER: _ClassVar[int]
    id: str
    model: str
    people: _containers.RepeatedCompositeFieldContainer[Person]
    fault: Fault
    def __init__(self, id: _Optional[str] = ..., model: _Optional[str] = ..., people: _Optional[_Iterable[_Union[Person, _Mapping]]] = ..., fault: _Optional[_Union[Fault, _Mapping]] = ...) -> None: ...

class Person(_message.Message):
    __slots__ = ("keypoints_px", "confidence", "score")
    KEYPOINTS_PX_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    keypoints_px: _containers.RepeatedScalarFieldContainer[float]
    confidence: _containers.RepeatedScalarFieldContainer[float]
    score: float
    def __init__(self, keypoints_px: _Optional[_Iterable[float]] = ..., confidence: _Optional[_Iterable[float]] = ..., score: _Optional[float] = ...) -> None: ...

class Fault(_message.Message):
    __slots__ = ("code", "message")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    code: int
    message: str
    def __init__(self, code: _Optional[int] = ..., message: _Optional[str] = ...) -> None: ...
