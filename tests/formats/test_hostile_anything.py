"""Whatever stands in an annotation file, it is read or refused, and nothing is lost uncounted."""

import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataengine.errors import InputError
from dataengine.format_table import FORMATS
from dataengine.formats.reading.content import Limits

from .hostile_samples import good_document, written
from .writing_samples import write_image

ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from([1, 2, "1.png", []]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), name=st.sampled_from(["coco", "wholebody", "crowdpose", "posetrack18", "aic", "dataengine"]))
def test_whatever_stands_in_a_record_nothing_is_lost_uncounted(images: Path, data: st.DataObject, name: str) -> None:
    document = good_document()
    read = FORMATS[name].read  # the same document serves all: formats with other joints find only bad people in it
    for _ in range(data.draw(st.integers(1, 4))):
        table = data.draw(st.sampled_from(["images", "annotations", "categories"]))
        row = data.draw(st.integers(0, len(document[table]) - 1))
        if data.draw(st.booleans()) or not isinstance(document[table][row], dict):
            document[table][row] = data.draw(ANYTHING)
        else:
            key = data.draw(st.sampled_from([*document[table][row], "track_id", "vid_id", "area", "score", "source"]))
            document[table][row][key] = data.draw(ANYTHING)
    path = written(images, json.dumps(document))
    try:
        content = read(path, images, Limits())
    except InputError as error:
        assert "\n" not in str(error)
        return
    assert content.records == len(document["images"]) + len(document["annotations"])
    assert all("\n" not in record.reason and len(record.reason) < 300 for record in content.bad)
    content.images.rows_of(content.people.image_id)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(record=ANYTHING, joints=ANYTHING, flags=ANYTHING, release=ANYTHING)
def test_lists_of_anything_are_read_or_refused(
    images: Path, record: Any, joints: Any, flags: Any, release: Any
) -> None:
    entries = [record, {"image": "1.png", "joints": joints, "joints_vis": flags}, {"image": joints}]
    content = FORMATS["mpii"].read(written(images, json.dumps(entries)), images, Limits())
    assert len(content.bad) >= 3
    people = {"a": release, "b": [1, 2, 3] * 14}
    write_image(images / "1.jpg")
    entries = [
        record,
        {"image_id": "1", "keypoint_annotations": people, "human_annotations": {"a": joints, "b": flags}},
    ]
    content = FORMATS["aic"].read(written(images, json.dumps([*entries, release])), images, Limits())
    assert content.records >= 3
