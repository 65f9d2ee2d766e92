"""The stage balance on constructed people and on real ones: clusters, their file, the picture, faults."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from dataengine.cli import main
from dataengine.coco_json import read_people, write_people
from dataengine.datasets.balance import BalanceParams, run
from dataengine.datasets.clusters import UNCLUSTERED, assign, fit_clusters
from dataengine.datasets.clusters_file import read_balance
from dataengine.errors import InputError, ParamsError
from dataengine.files import sha256_file
from dataengine.people import Images, People

from .pose_samples import crowd, mirrored, write_crowd

PARAMS = BalanceParams(clusters=3, threshold=0.2, max_repeat=2.0, seed=0)
TRAIN, OUT, REPORT = Path("data/train.json"), Path("data/balance"), Path("reports/balance")
COUNTS = (60, 12, 2)


@pytest.fixture
def people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> People:
    """A training set in the working folder."""
    monkeypatch.chdir(tmp_path)
    found = crowd(COUNTS)
    write_crowd(TRAIN, found)
    return found


def balance(params: BalanceParams = PARAMS, out: Path = OUT) -> dict[str, float]:
    return run(params, train=TRAIN, out=out, report=REPORT)


def test_each_kind_of_pose_is_a_cluster(people: People) -> None:
    metrics = balance()
    frozen = read_balance(OUT / "balance.json")
    assert np.array_equal(frozen.cluster, people.extras["figure"]), "largest first: the order of COUNTS"
    expected = np.array([1.0, np.sqrt(0.2 / (12 / 74)), 2.0])  # sqrt(0.2 / (2 / 74)) = 2.7 is capped
    assert frozen.cluster_repeat_factor == pytest.approx(expected)
    assert frozen.repeat_factor == pytest.approx(expected[people.extras["figure"]])
    assert np.array_equal(frozen.image_id, people.image_id)
    assert frozen.train_sha256 == sha256_file(TRAIN)
    drawn = np.array(COUNTS) * expected
    assert metrics["tail_share_before"] == pytest.approx(14 / 74, abs=1e-4)
    assert metrics["tail_share_after"] == pytest.approx(drawn[1:].sum() / drawn.sum(), abs=1e-4)
    assert metrics["effective_clusters_before"] < metrics["effective_clusters_after"] < 3
    assert json.loads((REPORT / "metrics.json").read_text()) == metrics


def test_the_file_is_readable_by_itself(people: People) -> None:
    balance()
    document = json.loads((OUT / "balance.json").read_text())
    assert [cluster["count"] for cluster in document["clusters"]] == list(COUNTS)
    assert document["params"]["threshold"] == 0.2
    annotations = json.loads(TRAIN.read_text())["annotations"]
    for record, annotation in zip(document["people"], annotations, strict=True):
        assert (record["annotation_id"], record["image_id"]) == (annotation["id"], annotation["image_id"])


def test_the_picture_shows_every_cluster(people: People) -> None:
    balance()
    picture = cv2.imread(str(REPORT / "clusters.png"))
    assert picture is not None and picture.shape == (240 + 320, 1200, 3)
    tiles = [picture[320:, 200 * k : 200 * (k + 1)].astype(int) for k in range(6)]
    assert [bool(tile.std() > 20) for tile in tiles] == [True] * 3 + [False] * 3, "three portraits and room"


def test_same_inputs_give_the_same_bytes(people: People) -> None:
    balance()
    first = [sha256_file(OUT / "balance.json"), sha256_file(REPORT / "clusters.png")]
    balance()
    assert [sha256_file(OUT / "balance.json"), sha256_file(REPORT / "clusters.png")] == first


def test_new_people_get_the_frozen_clusters(people: People) -> None:
    balance()
    clusters = read_balance(OUT / "balance.json").clusters
    new = crowd((5, 5, 5), seed=9)
    assert np.array_equal(assign(new, clusters), new.extras["figure"])
    mirror_images = new.replace(keypoints_px=np.array([mirrored(p, 80.0) for p in new.keypoints_px]))
    assert np.array_equal(assign(mirror_images, clusters), new.extras["figure"])
    hidden = new.replace(visibility=np.zeros_like(new.visibility))
    assert set(assign(hidden, clusters).tolist()) == {UNCLUSTERED}
    assert assign(People.empty(), clusters).shape == (0,)


def test_some_missing_joints_leave_most_people_in_their_cluster(people: People) -> None:
    clusters = fit_clusters(people, 3, seed=0)
    visibility = people.visibility.copy()
    rng = np.random.default_rng(0)
    for row in visibility:
        row[rng.choice(np.arange(5, 17), 2, replace=False)] = 0
    agree = assign(people.replace(visibility=visibility), clusters) == people.extras["figure"]
    assert agree.mean() > 0.9


def test_people_without_a_pose_are_kept_at_one(people: People) -> None:
    visibility = people.visibility.copy()
    visibility[[3, 40]] = 0
    write_crowd(TRAIN, people.replace(visibility=visibility))
    metrics = balance()
    frozen = read_balance(OUT / "balance.json")
    assert metrics["unclustered"] == 2 and metrics["people"] == 74
    assert np.flatnonzero(frozen.cluster == UNCLUSTERED).tolist() == [3, 40]
    assert frozen.repeat_factor[[3, 40]].tolist() == [1, 1]


def test_fewer_poses_than_clusters(people: People) -> None:
    write_crowd(TRAIN, people.take([0, 0, 1, 1]).replace(image_id=np.arange(4)))
    metrics = balance(replace(PARAMS, clusters=50))
    assert metrics["clusters"] == 2 and metrics["people"] == 4


@pytest.mark.parametrize("rows", [[], [0, 1]], ids=["nobody", "no joint"])
def test_no_pose_at_all_is_an_error(people: People, rows: list[int]) -> None:
    few = people.take(rows)
    write_crowd(TRAIN, few.replace(visibility=np.zeros_like(few.visibility)))
    with pytest.raises(InputError, match="no pose to cluster"):
        balance()
    assert not OUT.exists() and not REPORT.exists()


def test_synthetic_people_are_refused(people: People) -> None:
    write_crowd(TRAIN, crowd((3, 3), source="synthetic"))
    with pytest.raises(InputError, match="not real"):
        balance()


def test_a_missing_picture_leaves_the_old_result(people: People) -> None:
    balance()
    before = sha256_file(OUT / "balance.json")
    shutil.rmtree(TRAIN.parent / "images")
    with pytest.raises(InputError, match="does not exist"):
        balance(replace(PARAMS, clusters=2))
    assert sha256_file(OUT / "balance.json") == before
    assert not list(OUT.parent.glob(".*partial*"))


@pytest.mark.parametrize(
    "change",
    [{"clusters": 0}, {"threshold": -0.1}, {"threshold": float("nan")}, {"max_repeat": 0.5}, {"max_repeat": np.inf}],
    ids=str,
)
def test_params_out_of_range(change: dict[str, float]) -> None:
    with pytest.raises(ParamsError, match=next(iter(change))):
        replace(PARAMS, **change)  # type: ignore[arg-type]


@pytest.mark.parametrize("spoil", ["format", "clusters", "people", "train_sha256"])
def test_a_file_that_is_no_balance(people: People, spoil: str) -> None:
    balance()
    document = json.loads((OUT / "balance.json").read_text())
    document[spoil] = 7
    if spoil != "train_sha256":
        (OUT / "balance.json").write_text(json.dumps(document))
        with pytest.raises(InputError, match=r"balance\.json is not a file of pose clusters"):
            read_balance(OUT / "balance.json")
    document = {
        **document,
        "clusters": [{"count": 1, "repeat_factor": 1, "centre": [0, 1]}],
        "format": "pose-clusters-1",
    }
    document["people"] = []
    (OUT / "balance.json").write_text(json.dumps(document))
    with pytest.raises(InputError, match="do not fit this version"):
        read_balance(OUT / "balance.json")


def test_one_line_and_exit_code_2(people: People, capsys: pytest.CaptureFixture[str]) -> None:
    Path("params.yaml").write_text("balance: {clusters: 3, threshold: 0.2, max_repeat: 2, seed: 0, oops: 1}\n")
    with pytest.raises(SystemExit) as stop:
        main(["balance", "--train", str(TRAIN), "--out", str(OUT), "--report", str(REPORT)])
    assert stop.value.code == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1 and "oops" in lines[0]


@pytest.mark.realdata
def test_real_sports_poses(shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    people, images = read_people(shared_data / "lspet" / "annotations.json")
    people, images = people.take(np.arange(300)), images.take(np.arange(300))
    copied = [shutil.copy(shared_data / "lspet" / "images" / Path(str(path)).name, tmp_path) for path in images.path]
    columns = {name: getattr(images, name) for name in ("id", "width", "height")}
    TRAIN.parent.mkdir()
    write_people(TRAIN, people, Images.build(path=[Path(path).name for path in copied], **columns))
    metrics = balance(BalanceParams(clusters=12, threshold=0.08, max_repeat=3.0, seed=0))
    assert metrics["clusters"] == 12 and metrics["unclustered"] < 15
    assert metrics["tail_share_after"] > metrics["tail_share_before"]
    assert metrics["effective_clusters_after"] > metrics["effective_clusters_before"]
