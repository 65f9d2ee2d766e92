"""Requests as files: the same content has the same name, nothing but the state may change, and rounds pin them."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dataengine.coco_json import read_people
from dataengine.errors import InputError, ParamsError
from dataengine.people import Images
from dataengine.requests.folder import add_requests, read_requests, set_state
from dataengine.requests.pinned import (
    NO_REQUESTS,
    RequestsParams,
    load_requests_params,
    open_requests,
    rendered_requests,
    requests_to_pin,
)
from dataengine.requests.record import ORIGIN, AskedFor, PoseRequest, RequestState, read_request, write_request
from dataengine.train import begin_round

from ..helpers.pose_samples import crowd

ASKED = AskedFor(
    round=3,
    asked_by="gate",
    reason="rare and wrong",
    part="cluster=2",
    clusters_id="abc",
    renders=6,
    labels=2,
    evidence={"AP": 0.1234567, "low": 0.1, "high": 0.2},
)


def request(**changes: object) -> PoseRequest:
    people = crowd((3, 2)).replace(extras={})
    people = people.with_extra(ORIGIN, ["train"] * 5).with_extra("sha256", ["ab" * 32] * 5)
    ids = np.unique(people.image_id)
    images = Images.build(id=ids, path=[f"deep/in/{i}.png" for i in ids], width=300, height=300)
    return PoseRequest(asked=replace(ASKED, **changes), people=people, images=images)  # type: ignore[arg-type]


def test_a_request_comes_back_as_it_went_and_is_a_file_of_poses(tmp_path: Path) -> None:
    made = request()
    path = write_request(tmp_path, made)
    back = read_request(path)
    assert (back.id, back.asked, back.state) == (made.id, ASKED, RequestState())
    assert back.people.keypoints_px == pytest.approx(made.people.keypoints_px, abs=1e-3)
    assert back.people.extras[ORIGIN].tolist() == ["train"] * 5
    people, images = read_people(path)  # as `render --like` reads it
    assert len(people) == 5 and {Path(p).parent for p in images.path.tolist()} == {tmp_path}


def test_the_same_request_is_one_file_and_keeps_its_state(tmp_path: Path) -> None:
    (path,) = add_requests(tmp_path, [request()])
    set_state(tmp_path, read_request(path), RequestState(now="served", served_in=4, brought={"renders": 6}))
    assert add_requests(tmp_path, [request()]) == [path]
    assert read_request(path).state.now == "served"
    assert request(renders=7).id != request().id
    assert [each.id for each in read_requests(tmp_path)] == [request().id]
    assert read_requests(tmp_path / "none") == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda d: d["request"].update(renders=99), "was changed after it was written"),
        (lambda d: d["annotations"][0]["keypoints"].__setitem__(0, 1.0), "was changed after it was written"),
        (lambda d: d["request"].update(format="other"), "is not a request"),
        (lambda d: d["request"].pop("reason"), "lacks a key"),
        (lambda d: d["request"].update(asked_by="nobody"), "asked_by"),
        (lambda d: d["state"].update(now="gone"), "state.now"),
        (lambda d: d.pop("request"), "is not a request"),
        (lambda d: d["images"][0].update(file_name="../../outside.png"), "leaves its folder"),
    ],
)
def test_a_damaged_file_is_one_line(tmp_path: Path, change: object, says: str) -> None:
    path = write_request(tmp_path, request())
    document = json.loads(path.read_text())
    change(document)  # type: ignore[operator]
    path.write_text(json.dumps(document))
    with pytest.raises(InputError, match=says):
        read_request(path)


def test_a_round_opens_what_waits_and_keeps_the_renders_of_the_last_rounds(tmp_path: Path) -> None:
    params = RequestsParams(folder=str(tmp_path), keep_rounds=2)
    waiting, served, old, gone = (request(reason=word) for word in ("a", "b", "c", "d"))
    add_requests(tmp_path, [waiting, served, old, gone])
    set_state(tmp_path, served, RequestState(now="served", served_in=4))
    set_state(tmp_path, old, RequestState(now="served", served_in=2))
    set_state(tmp_path, gone, RequestState(now="withdrawn"))
    pins = requests_to_pin(params, number=5)
    assert pins == {"open": [f"{tmp_path}/{waiting.name}"], "kept": [f"{tmp_path}/{served.name}"]}
    assert requests_to_pin(params, number=5) == pins, "until it was served it stays open"
    pinned = replace(params, open=pins["open"], kept=pins["kept"])
    assert [each.id for each in open_requests(pinned)] == [waiting.id]
    assert open_requests(pinned)[0].state.now == "open"
    assert [each.id for each in rendered_requests(pinned)] == [waiting.id, served.id]


def test_begin_round_pins_them_and_changes_no_other_character(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = "a: 1  # stays\nrequests:\n  folder: req  # here\n  open: []  # pinned\n  kept: []\ncompare: {round: 1}\n"
    Path("params.yaml").write_text(text)
    add_requests(Path("req"), [request()])
    old = begin_round.pin(
        Path("params.yaml"), requests_to_pin(load_requests_params(Path("params.yaml")), 4), "requests"
    )
    assert old == {"open": [], "kept": []}
    expected = text.replace("open: []", f'open: ["req/{request().name}"]')
    assert Path("params.yaml").read_text() == expected


def test_a_project_without_the_section_has_no_requests(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("render: {}\n")
    assert load_requests_params(path) == NO_REQUESTS
    assert requests_to_pin(NO_REQUESTS, 1) == {"open": [], "kept": []}
    path.write_text("requests: {folder: x, label_share: 2}\n")
    with pytest.raises(ParamsError, match=r"requests.label_share: expected 0 to 1"):
        load_requests_params(path)
