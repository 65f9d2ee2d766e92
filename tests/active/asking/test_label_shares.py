"""What open requests get of the label budget."""

from dataclasses import replace

import numpy as np
import pytest

from dataengine.active.asking.label_shares import request_words, requested_shares
from dataengine.active.manifest.evidence import with_requests
from dataengine.active.query.picking import candidate_images
from dataengine.people import Images
from dataengine.poses.training_poses import TrainingPoses
from dataengine.requests.record import PoseRequest

from ...helpers.pose_samples import crowd
from ...requests.test_requests import ASKED, request


def about(part: str, labels: int, poses: TrainingPoses) -> PoseRequest:
    return replace(request(), asked=replace(ASKED, part=part, labels=labels, clusters_id=poses.clusters.id))


def test_each_gets_its_labels_from_its_own_images_up_to_the_share(poses: TrainingPoses) -> None:
    people = crowd((6, 6, 3))
    hashes = np.array([f"{i:064d}" for i in people.image_id])
    people = people.replace(extras={"sha256": hashes, "worth": np.ones(len(people))})
    ids = np.unique(people.image_id)
    images = Images.build(id=ids, path=[f"{i}.png" for i in ids], width=400, height=400)
    choice = candidate_images(people, images)
    costs = np.full(len(choice.score), 2.0)
    asked = [about("cluster=2", 2, poses), about("cluster=1", 1, poses), about("occlusion=most", 3, poses)]
    found = requested_shares(asked, choice, people, images, poses, costs=costs, most=100)
    assert [(share.request, share.budget) for share in found] == [(asked[0].id, 4.0), (asked[1].id, 2.0)]
    cluster = poses.look_up(people.keypoints_px, people.visibility).cluster
    assert (cluster[choice.person_row][found[0].candidates] == 2).all() and found[0].candidates.sum() == 3
    scaled = requested_shares(asked, choice, people, images, poses, costs=costs, most=3)
    assert sum(share.budget for share in scaled) == pytest.approx(3)
    assert requested_shares([], choice, people, images, poses, costs=costs, most=3) == []
    assert requested_shares(asked, choice, people, images, None, costs=costs, most=3) == []


def test_a_pick_says_which_request_asked_for_it(poses: TrainingPoses) -> None:
    made = about("cluster=2", 2, poses)
    entries = {"a": {"rank": 1, "why": "w"}, "b": {"rank": 0, "why": "v"}}
    marked = with_requests(entries, [made.id, ""], {made.id: request_words(made)})
    assert marked["a"] == entries["a"], "as without requests"
    assert marked["b"]["request"] == made.id
    assert marked["b"]["why"] == f"asked for by request {made.id} (cluster=2, gate of round 3); v"
