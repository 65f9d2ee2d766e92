"""Renders that requests ask for: as many as were asked for, joined and marked; none without requests."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from dataengine.blender import render
from dataengine.blender.batch.quality import Keeping
from dataengine.blender.scene.params import RenderParams
from dataengine.blender.targeted import requested
from dataengine.blender.targeted.params import LikeParams
from dataengine.blender.targeted.requested import EXAMPLES, OUTCOMES, PEOPLE, REQUEST, render_requested
from dataengine.coco_json import read_people, write_people
from dataengine.errors import InputError
from dataengine.people import Images, People
from dataengine.requests.record import PoseRequest, RequestState

from ...requests.test_requests import request


def fake_images(
    params: RenderParams,
    like: LikeParams,
    entries: list[dict[str, Any]],
    *,
    out: Path,
    cache: Path,
    most: int,
    cluster: str | None,
) -> Keeping:
    """Instead of the workers: one grey picture with one person for each image."""
    count = min(most, like.variations * len(entries))
    images = Images.build(
        id=np.arange(count), path=[str(out / "images" / f"{i}.png") for i in range(count)], width=8, height=8
    )
    (out / "images").mkdir(parents=True, exist_ok=True)
    for path in images.path.tolist():
        assert cv2.imwrite(path, np.full((8, 8, 3), 99, np.uint8))
    people = People.build(
        image_id=np.arange(count), bbox_xywh_px=np.ones((count, 4)), keypoints_px=np.ones((count, 17, 2)),
        visibility=np.full((count, 17), 2), source="synthetic",
    )  # fmt: skip
    write_people(out / PEOPLE, people, images)
    return Keeping(images=count, taken_again=1, left_out=0, why={})


@pytest.fixture
def no_blender(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything but Blender, its body and the fit, of which `fits` says who can be fitted: all but the second."""

    def fits(file: Path, cache: Path, kept_in: Path, most: float) -> list[dict[str, Any]]:
        people, _ = read_people(file)
        if len(people) < 2:
            raise InputError("none of the people can be fitted")
        return [{"person": row, "kept": row != 1, "why": "" if row != 1 else "bent"} for row in range(len(people))]

    monkeypatch.setattr(requested, "require_blender", lambda python: Path("python"))
    monkeypatch.setattr(requested, "prepare_body_cache", lambda cache: None)
    monkeypatch.setattr(requested, "resolve_device", lambda params, python: "cpu")
    monkeypatch.setattr(requested, "fits_of", fits)
    monkeypatch.setattr(requested, "make_images", fake_images)


@pytest.mark.usefixtures("no_blender")
def test_each_request_gets_its_images_and_all_are_one_file(tmp_path: Path, small_params: RenderParams) -> None:
    made = [request(renders=count, reason=str(count)) for count in (6, 2)]
    lonely = PoseRequest(asked=made[0].asked, people=made[0].people.take([0]), images=made[0].images)
    out = tmp_path / "render" / "requested"
    render_requested(small_params, [*made, lonely], out=out, cache=tmp_path)
    people, images = read_people(out / PEOPLE)
    assert people.extras[REQUEST].tolist() == [made[0].id] * 6 + [made[1].id] * 2
    assert len(set(images.path.tolist())) == 8 and all(Path(path).is_file() for path in images.path.tolist())
    outcomes = json.loads((out / OUTCOMES).read_text())
    assert outcomes[made[0].id] == {
        **{"renders": 6, "people": 5, "fitted": 4, "why": "bent"},
        **{"renders_taken_again": 1, "renders_left_out": {}},
    }
    assert outcomes[lonely.id]["renders"] == 0 and "can be fitted" in outcomes[lonely.id]["why"]

    examples = (out / made[1].id / EXAMPLES).read_bytes()
    served = replace(made[1], state=RequestState(now="served", served_in=3))
    render_requested(small_params, [served], out=out, cache=tmp_path)
    assert (out / made[1].id / EXAMPLES).read_bytes() == examples, "what fits are kept by does not change"
    assert sorted(path.name for path in out.iterdir() if path.is_dir()) == [made[1].id], "others are gone"
    assert len(read_people(out / PEOPLE)[0]) == 2
    render_requested(small_params, [], out=out, cache=tmp_path)
    assert not out.exists(), "as if there had never been any"


def test_without_requests_nothing_is_loaded_or_written(
    tmp_path: Path, small_params: RenderParams, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requested, "render_requested", None)
    render._render_requested(small_params, [], out=tmp_path / "requested", cache=tmp_path, cluster=None)
    assert list(tmp_path.iterdir()) == []
